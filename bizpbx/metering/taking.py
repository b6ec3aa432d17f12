"""Take a lease: time is granted before a leg is dialled, in one transaction with what it is taken from."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import bindparam, insert, select
from sqlalchemy.orm import Session

from bizpbx.directory.prepared import Prepared
from bizpbx.metering.allowance import Parts, extended, possible
from bizpbx.metering.guarding import guarded
from bizpbx.metering.lease import GRANTED, LEASES, LeaseState
from bizpbx.metering.months import split
from bizpbx.metering.terms import Denial, Denied, Draw, Granted, Terms
from bizpbx.metering.usage import Key, Usage, locked, reserve
from bizpbx.metering.usage_alerts import used_up


def take(session: Session, draw: Draw, terms: Terms, now: datetime) -> Granted | Denied:
    """Grant a leg its first seconds, in a transaction of the caller's that is committed before the leg is dialled.

    Taken again, by this controller or another, it is the lease there is. Where nothing limits the extension nothing is
    reserved and nothing has to be renewed, but there is a lease all the same.
    """
    months = [month for month, _ in split(now, terms.ring + terms.slice, terms.zone)]
    usage = locked(session, draw.organisation_id, draw.extension, months)
    there = THERE.first(session, {"switch": draw.switch, "leg": draw.leg})
    if there is not None:
        ours = there.state is LeaseState.OPEN and (there.organisation_id, there.extension, there.number) == (
            draw.organisation_id,
            draw.extension,
            draw.number,
        )
        return Granted(there.id, there.granted_seconds, again=True) if ours else Denied(Denial.LEG_TAKEN)
    new_country = guarded(session, draw, terms, now)
    if isinstance(new_country, Denied):
        return new_country
    if not terms.allowance.limited:
        return Granted(_write(session, draw, terms, None, now, new_country), None)
    seconds = affordable_now(usage, terms, now)
    if isinstance(seconds, Denied):
        if seconds.reason is Denial.EXHAUSTED and not any(one.holds_back for one in usage.values()):
            used_up(session, draw.organisation_id, draw.extension, months[0], now)
        return seconds
    parts = possible(now, terms.ring, seconds, terms.rate, terms.zone)
    for month, part in parts.items():
        if not reserve(session, Key(draw.organisation_id, draw.extension, month), part, terms.allowance):
            raise RuntimeError("a month's allowance changed under its lock")
    lease_id = _write(session, draw, terms, seconds, now, new_country)
    write_grants(session, draw.organisation_id, lease_id, parts)
    return Granted(lease_id, seconds)


def affordable_now(usage: dict[str, Usage], terms: Terms, now: datetime) -> int | Denied:
    """The seconds that a new leg is given."""
    if terms.allowance.amount is not None and terms.rate is None:
        return Denied(Denial.UNPRICED)
    left = {month: one.left(terms.allowance) for month, one in usage.items()}
    # A free call costs nothing of an amount that is used up: it is refused like any other.
    spent = terms.allowance.amount is not None and any(part.amount <= 0 for part in left.values())
    seconds = 0
    if not spent:

        def needs(talk: int) -> Parts:
            return possible(now, terms.ring, talk, terms.rate, terms.zone)

        seconds = extended(0, terms.slice, needs, {}, left, terms.allowance)
    return seconds or Denied(Denial.EXHAUSTED)


def write_grants(session: Session, organisation_id: int, lease_id: int, parts: Parts) -> None:
    """What a lease holds of each month. It holds nothing yet."""
    GRANT.run_each(
        session,
        [
            {
                "organisation_id": organisation_id,
                "lease_id": lease_id,
                "month": month,
                "seconds": part.seconds,
                "amount": part.amount,
            }
            for month, part in parts.items()
        ],
    )


def _write(session: Session, draw: Draw, terms: Terms, seconds: int | None, now: datetime, new_country: bool) -> int:
    rate = terms.rate
    made = LEASE.first(
        session,
        {
            "organisation_id": draw.organisation_id,
            "switch": draw.switch,
            "leg": draw.leg,
            "call": draw.call,
            "extension": draw.extension,
            "number": draw.number,
            "country": draw.country,
            "new_country": new_country,
            "gateway": draw.gateway,
            "zone": terms.zone,
            "prefix": rate.prefix if rate is not None else None,
            "per_minute": rate.per_minute if rate is not None else None,
            "connection_fee": rate.connection_fee if rate is not None else None,
            "first": rate.first if rate is not None else None,
            "next": rate.next if rate is not None else None,
            "granted_seconds": seconds,
            "state": LeaseState.OPEN,
            "taken_at": now,
            # It may be answered at once, and is worth a look by then.
            "renew_at": now + timedelta(seconds=seconds / 2) if seconds is not None else None,
        },
    )
    assert made is not None
    return int(made.id)


THERE = Prepared(
    select(
        LEASES.c.id,
        LEASES.c.state,
        LEASES.c.organisation_id,
        LEASES.c.extension,
        LEASES.c.number,
        LEASES.c.granted_seconds,
    ).where(LEASES.c.switch == bindparam("switch"), LEASES.c.leg == bindparam("leg"))
)

LEASE = Prepared(insert(LEASES).returning(LEASES.c.id))

GRANT = Prepared(insert(GRANTED))
