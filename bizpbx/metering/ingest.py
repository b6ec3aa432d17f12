"""Legs into the database, each once, whoever brings them and however often.

A leg is known by its switch and its name. What was in before is left alone, so a batch can be brought again after any
crash. The leg, its share of a lease and its call's row are one transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from functools import cache, partial
from typing import Any, NamedTuple, cast

from sqlalchemy import ColumnElement, Table, Text, any_, bindparam, func, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from bizpbx.directory.many_rows import ManyRows
from bizpbx.directory.organisation import Organisation
from bizpbx.directory.prepared import Prepared
from bizpbx.metering.call_record import CALL_LEG, CALL_RECORD
from bizpbx.metering.lease import CHARGES, LEASES
from bizpbx.metering.leg import LegRecord
from bizpbx.metering.settling import Talk, settle_all
from bizpbx.metering.summary import CallSummary, summary
from bizpbx.metering.usage_alerts import watch
from bizpbx.policy.numbers import e164

ONE_AT_A_TIME = 0x62697A_706278
"""Key of PostgreSQL's advisory lock that whoever puts legs on record holds: two at once would each make a call's row of
the legs that they know of. SQLite has one writer anyway."""

ORGANISATION = cast("Table", Organisation.__table__)

Call = tuple[str, str]
"""Switch and name of a call; also switch and name of a leg."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch. Legs are told by switch and name."""

    added: frozenset[Call]
    nobodys: frozenset[Call]
    """Of no organisation: calls that were turned away before it was clear whose they are, or not ours."""
    unknown: frozenset[Call]
    """Of an organisation that does not exist."""


class _Owner(NamedTuple):
    id: int
    country: str


class _Cost(NamedTuple):
    amount: Decimal | None
    """Minor units."""
    priced: bool


NOT_CHARGED = _Cost(None, True)


def ingest(session: Session, records: Iterable[LegRecord], now: datetime) -> Outcome:
    """Put legs on record, and settle what they were granted. In a transaction of the caller's, which may hold up others
    that do the same."""
    legs = {(record.switch, record.leg): record for record in records}
    asking = _asking(session.get_bind().dialect.name)
    if asking.alone is not None:
        asking.alone.first(session)
    owners = _owners(session, {leg.organisation for leg in legs.values() if leg.organisation is not None})
    nobodys = frozenset(name for name, leg in legs.items() if leg.organisation is None)
    unknown = frozenset(name for name, leg in legs.items() if leg.organisation is not None) - frozenset(
        name for name, leg in legs.items() if leg.organisation in owners
    )
    owned = {name: leg for name, leg in legs.items() if leg.organisation in owners}
    before = _of_calls(session, asking, owned.values())
    new = [leg for name, leg in owned.items() if name not in before]
    ADD.put(session, [_leg_row(leg, owners[leg.organisation or ""].id) for leg in new])
    talks = [Talk(leg.switch, leg.leg, leg.answered, leg.talked) for leg in new if leg.gateway]
    watch(session, settle_all(session, talks, now).values(), now)
    _bring_calls_up_to_date(session, asking, new, before.values(), owners)
    return Outcome(frozenset((leg.switch, leg.leg) for leg in new), nobodys, unknown)


def _owners(session: Session, domains: Collection[str]) -> dict[str, _Owner]:
    if not domains:
        return {}
    found = OWNERS.all(session, {"domains": list(domains)})
    return {domain: _Owner(id, country) for domain, id, country in found}


def _of_calls(session: Session, asking: _Asking, legs: Iterable[LegRecord]) -> dict[Call, LegRecord]:
    """What is on record of the calls that these legs belong to."""
    names = {(leg.switch, leg.call) for leg in legs}
    if not names:
        return {}
    wanted = {"switches": list({switch for switch, _ in names}), "names": list({call for _, call in names})}
    return {(leg.switch, leg.leg): leg for leg in map(_leg, asking.legs.all(session, wanted))}


def _bring_calls_up_to_date(
    session: Session, asking: _Asking, new: Iterable[LegRecord], before: Iterable[LegRecord], owners: dict[str, _Owner]
) -> None:
    calls: dict[Call, list[LegRecord]] = {}
    for leg in new:
        calls.setdefault((leg.switch, leg.call), []).append(leg)
    for leg in before:
        if (call := (leg.switch, leg.call)) in calls:
            calls[call].append(leg)
    costs = _costs(session, asking, calls)
    rows = []
    for (switch, call_name), legs in calls.items():
        # Legs of one call are of one organisation: the one that its first leg was found to be of.
        owner = owners[next(leg.organisation for leg in legs if leg.organisation in owners) or ""]
        found = summary(legs, partial(_e164, country=owner.country))
        if found is not None:
            cost = costs.get((switch, call_name), NOT_CHARGED)
            rows.append(_call_row(switch, call_name, owner.id, found) | {"cost": cost.amount, "priced": cost.priced})
    TELL.put(session, rows)


def _costs(session: Session, asking: _Asking, calls: Mapping[Call, Sequence[LegRecord]]) -> dict[Call, _Cost]:
    """What the legs of these calls were charged together; calls without a charge are not in it."""
    out = {(leg.switch, leg.leg): call for call, legs in calls.items() for leg in legs if leg.gateway}
    if not out:
        return {}
    wanted = {"switches": list({switch for switch, _ in out}), "names": list({leg for _, leg in out})}
    found = asking.costs.all(session, wanted)
    costs: dict[Call, _Cost] = {}
    for switch, leg, prefix, amount in found:
        call = out[switch, leg]
        before = costs.get(call, _Cost(Decimal(0), True))
        costs[call] = _Cost((before.amount or Decimal(0)) + amount, before.priced and prefix is not None)
    return costs


def _e164(text: str, country: str) -> str | None:
    return e164(text, country)


STORED = tuple(one.name for one in fields(LegRecord) if one.name not in ("organisation", "kept"))
SUMMARISED = tuple(one.name for one in fields(CallSummary))
PAID = ("organisation_id", "cost", "priced")


def _leg_row(leg: LegRecord, organisation_id: int) -> dict[str, Any]:
    row = {name: getattr(leg, name) for name in STORED}
    row["organisation_id"] = organisation_id
    row["rules"] = " ".join(leg.rules)
    return row


def _leg(row: Any) -> LegRecord:
    values = dict(zip(STORED, row, strict=True))
    return LegRecord(**{**values, "organisation": None, "rules": tuple(values["rules"].split())})


def _call_row(switch: str, call: str, organisation_id: int, found: CallSummary) -> dict[str, Any]:
    row = {name: getattr(found, name) for name in SUMMARISED}
    return row | {
        "switch": switch,
        "call": call,
        "organisation_id": organisation_id,
        "rules": " ".join(found.rules),
    }


class _Asking(NamedTuple):
    """Questions of a batch, in the words of one database."""

    alone: Prepared | None
    """None where there is one writer anyway."""
    legs: Prepared
    costs: Prepared


@cache
def _asking(dialect: str) -> _Asking:
    def one_of(column: ColumnElement[str], name: str) -> ColumnElement[bool]:
        # One array: the text of the question stays the same, whatever its length.
        if dialect == "postgresql":
            return column == any_(bindparam(name, type_=postgresql.ARRAY(Text)))
        return column.in_(bindparam(name, expanding=True))

    return _Asking(
        alone=Prepared(select(func.pg_advisory_xact_lock(ONE_AT_A_TIME))) if dialect == "postgresql" else None,
        legs=Prepared(
            select(*(CALL_LEG.c[name] for name in STORED)).where(
                one_of(CALL_LEG.c.switch, "switches"), one_of(CALL_LEG.c.call, "names")
            )
        ),
        costs=Prepared(
            select(LEASES.c.switch, LEASES.c.leg, LEASES.c.prefix, func.sum(CHARGES.c.amount))
            .join(
                CHARGES, (CHARGES.c.organisation_id == LEASES.c.organisation_id) & (CHARGES.c.lease_id == LEASES.c.id)
            )
            .where(one_of(LEASES.c.switch, "switches"), one_of(LEASES.c.leg, "names"))
            .group_by(LEASES.c.switch, LEASES.c.leg, LEASES.c.prefix)
        ),
    )


def _anew(made: Any) -> Any:
    """A call's row is made again with each leg that comes."""
    changed = {name: made.excluded[name] for name in (*SUMMARISED, *PAID)}
    return made.on_conflict_do_update(index_elements=["switch", "call"], set_=changed)


OWNERS = Prepared(
    select(ORGANISATION.c.domain, ORGANISATION.c.id, ORGANISATION.c.country).where(
        ORGANISATION.c.domain.in_(bindparam("domains", expanding=True))
    )
)

ADD = ManyRows(
    CALL_LEG,
    ("organisation_id", *STORED),
    lambda made: made.on_conflict_do_nothing(index_elements=["switch", "leg"]),
)
TELL = ManyRows(CALL_RECORD, ("switch", "call", *SUMMARISED, *PAID), _anew)
