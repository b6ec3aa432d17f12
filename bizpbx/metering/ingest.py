"""Legs into the database, each once, whoever brings them and however often.

A leg is known by its switch and its name. What was in before is left alone, so a batch can be brought again after any
crash. The leg, its share of a lease and its call's row are one transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple, cast

from sqlalchemy import ColumnElement, Table, Text, any_, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from bizpbx.directory.organisation import Organisation
from bizpbx.metering.call_record import CallLeg, CallRecord
from bizpbx.metering.lease import LEASES, Charge, Lease
from bizpbx.metering.leg import LegRecord
from bizpbx.metering.settling import Talk, settle_all
from bizpbx.metering.summary import CallSummary, summary
from bizpbx.metering.usage_alerts import watch
from bizpbx.policy.numbers import e164

ONE_AT_A_TIME = 0x62697A_706278
"""Key of PostgreSQL's advisory lock that whoever puts legs on record holds: two at once would each make a call's row of
the legs that they know of. SQLite has one writer anyway."""

CALL_LEG = cast("Table", CallLeg.__table__)
CALL_RECORD = cast("Table", CallRecord.__table__)

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
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(ONE_AT_A_TIME)))
    owners = _owners(session, {leg.organisation for leg in legs.values() if leg.organisation is not None})
    nobodys = frozenset(name for name, leg in legs.items() if leg.organisation is None)
    unknown = frozenset(name for name, leg in legs.items() if leg.organisation is not None) - frozenset(
        name for name, leg in legs.items() if leg.organisation in owners
    )
    owned = {name: leg for name, leg in legs.items() if leg.organisation in owners}
    before = _of_calls(session, owned.values())
    new = [leg for name, leg in owned.items() if name not in before]
    _add(session, [_leg_row(leg, owners[leg.organisation or ""].id) for leg in new])
    talks = [Talk(leg.switch, leg.leg, leg.answered, leg.talked) for leg in new if leg.gateway]
    watch(session, settle_all(session, talks, now).values(), now)
    _bring_calls_up_to_date(session, new, before.values(), owners)
    return Outcome(frozenset((leg.switch, leg.leg) for leg in new), nobodys, unknown)


def _owners(session: Session, domains: Collection[str]) -> dict[str, _Owner]:
    if not domains:
        return {}
    found = session.execute(
        select(Organisation.domain, Organisation.id, Organisation.country).where(Organisation.domain.in_(domains))
    )
    return {domain: _Owner(id, country) for domain, id, country in found}


def _of_calls(session: Session, legs: Iterable[LegRecord]) -> dict[Call, LegRecord]:
    """What is on record of the calls that these legs belong to."""
    names = {(leg.switch, leg.call) for leg in legs}
    if not names:
        return {}
    columns = [CALL_LEG.c[name] for name in STORED]
    found = session.connection().execute(
        select(*columns).where(
            _one_of(session, CALL_LEG.c.switch, {switch for switch, _ in names}),
            _one_of(session, CALL_LEG.c.call, {call for _, call in names}),
        )
    )
    return {(leg.switch, leg.leg): leg for leg in map(_leg, found)}


def _one_of(session: Session, column: ColumnElement[str], values: Collection[str]) -> ColumnElement[bool]:
    """Where PostgreSQL is asked, one array: the text of the question stays the same, whatever its length."""
    if session.get_bind().dialect.name == "postgresql":
        return column == any_(literal(list(values), postgresql.ARRAY(Text)))
    return column.in_(values)


def _add(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        insert = _insert(session, CALL_LEG).on_conflict_do_nothing(index_elements=["switch", "leg"])
        session.connection().execute(insert, rows)


def _bring_calls_up_to_date(
    session: Session, new: Iterable[LegRecord], before: Iterable[LegRecord], owners: dict[str, _Owner]
) -> None:
    calls: dict[Call, list[LegRecord]] = {}
    for leg in new:
        calls.setdefault((leg.switch, leg.call), []).append(leg)
    for leg in before:
        if (call := (leg.switch, leg.call)) in calls:
            calls[call].append(leg)
    costs = _costs(session, calls)
    rows = []
    for (switch, call_name), legs in calls.items():
        # Legs of one call are of one organisation: the one that its first leg was found to be of.
        owner = owners[next(leg.organisation for leg in legs if leg.organisation in owners) or ""]
        found = summary(legs, partial(_e164, country=owner.country))
        if found is not None:
            cost = costs.get((switch, call_name), NOT_CHARGED)
            rows.append(_call_row(switch, call_name, owner.id, found) | {"cost": cost.amount, "priced": cost.priced})
    if rows:
        insert = _insert(session, CALL_RECORD)
        changed = {name: insert.excluded[name] for name in rows[0] if name not in ("switch", "call")}
        session.connection().execute(
            insert.on_conflict_do_update(index_elements=["switch", "call"], set_=changed), rows
        )


def _costs(session: Session, calls: Mapping[Call, Sequence[LegRecord]]) -> dict[Call, _Cost]:
    """What the legs of these calls were charged together; calls without a charge are not in it."""
    out = {(leg.switch, leg.leg): call for call, legs in calls.items() for leg in legs if leg.gateway}
    if not out:
        return {}
    found = session.execute(
        select(Lease.switch, Lease.leg, Lease.prefix, func.sum(Charge.amount))
        .join(Charge, (Charge.organisation_id == Lease.organisation_id) & (Charge.lease_id == Lease.id))
        .where(
            _one_of(session, LEASES.c.switch, {switch for switch, _ in out}),
            _one_of(session, LEASES.c.leg, {leg for _, leg in out}),
        )
        .group_by(Lease.switch, Lease.leg, Lease.prefix)
    )
    costs: dict[Call, _Cost] = {}
    for switch, leg, prefix, amount in found:
        call = out[switch, leg]
        before = costs.get(call, _Cost(Decimal(0), True))
        costs[call] = _Cost((before.amount or Decimal(0)) + amount, before.priced and prefix is not None)
    return costs


def _e164(text: str, country: str) -> str | None:
    return e164(text, country)


def _insert(session: Session, table: Table) -> Any:
    # Of equal shape, but without a common type.
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    return dialect.insert(table)


STORED = tuple(one.name for one in fields(LegRecord) if one.name != "organisation")
SUMMARISED = tuple(one.name for one in fields(CallSummary))


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
