"""Ask the guard about a leg, from the leases there are, and keep what it refuses.

Who asks holds the usage of the extension (bizpbx.metering.usage.locked): calls of an extension are judged one after the
other, so that no two take the same last place.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any, cast

from sqlalchemy import Table, bindparam, case, exists, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from bizpbx.directory.base import UtcDateTime
from bizpbx.directory.prepared import Prepared
from bizpbx.mail.alerts import GUARD_REFUSED, alert
from bizpbx.metering.guard import MEMORY, PROBATION, QUIET, WINDOW, Traffic, judge, may_be_new
from bizpbx.metering.guard_record import GuardCountry, GuardRefusal
from bizpbx.metering.lease import LEASES, NEW, OPEN, LeaseState
from bizpbx.metering.terms import Denial, Denied, Draw, Terms


def guarded(session: Session, draw: Draw, terms: Terms, now: datetime) -> Denied | bool:
    """Whether the leg goes to a country that is new to its extension; or the refusal, which is on record then."""
    limits = terms.guard
    counted = limits.new_country_calls is not None and may_be_new(draw.country, terms.home)
    if limits.concurrent_calls is None and not counted:
        return False
    traffic = _traffic(session, draw, now, with_countries=counted)
    denial = judge(limits, traffic)
    if denial is None:
        return traffic.new_country
    first = _refused(session, draw, denial, now) == 1
    if first:
        details = {"extension": draw.extension, "country": draw.country, "number": draw.number, "reason": denial.value}
        key = f"{GUARD_REFUSED}/{draw.extension}/{draw.country}/{denial.value}/{now:%Y-%m-%d}"
        alert(session, draw.organisation_id, key, GUARD_REFUSED, details, now)
    return Denied(denial, alert=first)


def _traffic(session: Session, draw: Draw, now: datetime, *, with_countries: bool) -> Traffic:
    asked = {"organisation_id": draw.organisation_id, "extension": draw.extension, "call": draw.call}
    if not with_countries:
        return Traffic(CALLS.all(session, asked)[0].calls)
    moments = {"since": now - MEMORY, "until": now - PROBATION, "within": now - WINDOW}
    row = CALLS_AND_COUNTRIES.all(session, {**asked, **moments, "country": draw.country})[0]
    return Traffic(row.calls, not (row.charged or row.allowed), row.new_country_calls)


def _refused(session: Session, draw: Draw, denial: Denial, now: datetime) -> int:
    """Put a refusal on record. Returns how many there were of the same kind, without a quiet day between them."""
    row = {
        "organisation_id": draw.organisation_id,
        "extension": draw.extension,
        "country": draw.country,
        "reason": denial.value,
        "number": draw.number,
        "first_at": now,
        "last_at": now,
        "times": 1,
    }
    statement = _refusal(session.get_bind().dialect.name)
    times: int = session.execute(statement, {**row, "quiet_since": now - QUIET}).scalar_one()
    return times


@cache
def _refusal(dialect: str) -> Any:
    table = cast("Table", GuardRefusal.__table__)
    insert: Any = (postgresql if dialect == "postgresql" else sqlite).insert(table)
    anew = table.c.last_at < bindparam("quiet_since", type_=UtcDateTime)
    return insert.on_conflict_do_update(
        index_elements=["organisation_id", "extension", "country", "reason"],
        set_={
            "number": insert.excluded.number,
            "first_at": case((anew, insert.excluded.first_at), else_=table.c.first_at),
            "last_at": insert.excluded.last_at,
            "times": case((anew, 1), else_=table.c.times + 1),
        },
    ).returning(table.c.times)


ALLOWED = cast("Table", GuardCountry.__table__)

# Conditions of partial indexes are written as the indexes have them: a parameter in their place would not use them.

OURS = (LEASES.c.organisation_id == bindparam("organisation_id")) & (LEASES.c.extension == bindparam("extension"))
OTHERS = LEASES.c.call != bindparam("call")
UNDER_WAY = select(func.count(LEASES.c.call.distinct()).label("calls")).where(OURS, OTHERS, OPEN)
CALLS = Prepared(UNDER_WAY)

CALLS_AND_COUNTRIES = Prepared(
    select(
        UNDER_WAY.scalar_subquery().label("calls"),
        select(func.count(LEASES.c.call.distinct()))
        .where(OURS, OTHERS, NEW, LEASES.c.taken_at > bindparam("within"), LEASES.c.state != LeaseState.RELEASED)
        .scalar_subquery()
        .label("new_country_calls"),
        exists()
        .where(
            OURS,
            LEASES.c.country == bindparam("country"),
            LEASES.c.taken_at > bindparam("since"),
            LEASES.c.taken_at <= bindparam("until"),
            or_(LEASES.c.state == LeaseState.SETTLED, LEASES.c.state == LeaseState.PRESUMED),
            # What was lost without having been seen talking has made no country known.
            LEASES.c.answered_at.is_not(None),
        )
        .label("charged"),
        exists()
        .where(
            ALLOWED.c.organisation_id == bindparam("organisation_id"),
            ALLOWED.c.extension == bindparam("extension"),
            ALLOWED.c.country == bindparam("country"),
            ALLOWED.c.allowed_at > bindparam("since"),
        )
        .label("allowed"),
    )
)
