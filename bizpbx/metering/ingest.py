"""Legs into the database, each once, whoever brings them and however often.

A leg is known by its switch and its name. What was in before is left alone, so a batch can be brought again after any
crash. The leg, its share of a lease and its call's row are one transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Table, func, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from bizpbx.directory.organisation import Organisation
from bizpbx.metering.call_record import CallLeg, CallRecord
from bizpbx.metering.leg import LegRecord
from bizpbx.metering.summary import CallSummary, summary
from bizpbx.policy.numbers import e164

ONE_AT_A_TIME = 0x62697A_706278
"""Key of PostgreSQL's advisory lock that whoever puts legs on record holds: two at once would each make a call's row of
the legs that they know of. SQLite has one writer anyway."""

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


def ingest(session: Session, records: Iterable[LegRecord]) -> Outcome:
    """Put legs on record. In a transaction of the caller's, which may hold up others that do the same."""
    legs = {(record.switch, record.leg): record for record in records}
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(ONE_AT_A_TIME)))
    owners = _owners(session, {leg.organisation for leg in legs.values() if leg.organisation is not None})
    nobodys = frozenset(name for name, leg in legs.items() if leg.organisation is None)
    unknown = frozenset(name for name, leg in legs.items() if leg.organisation is not None) - frozenset(
        name for name, leg in legs.items() if leg.organisation in owners
    )
    owned = {name: leg for name, leg in legs.items() if leg.organisation in owners}
    added = _add(session, [_leg_row(leg, owners[leg.organisation or ""].id) for leg in owned.values()])
    new = [leg for name, leg in owned.items() if name in added]
    _bring_calls_up_to_date(session, new, owners)
    return Outcome(frozenset(added), nobodys, unknown)


def _owners(session: Session, domains: Collection[str]) -> dict[str, _Owner]:
    if not domains:
        return {}
    found = session.execute(
        select(Organisation.domain, Organisation.id, Organisation.country).where(Organisation.domain.in_(domains))
    )
    return {domain: _Owner(id, country) for domain, id, country in found}


def _add(session: Session, rows: Sequence[dict[str, Any]]) -> set[Call]:
    """The rows that were not there before."""
    if not rows:
        return set()
    table: Table = CallLeg.__table__  # type: ignore[assignment] # declared as FromClause
    insert = _insert(session, table).on_conflict_do_nothing(index_elements=["switch", "leg"])
    found = session.connection().execute(insert.returning(table.c.switch, table.c.leg), list(rows))
    return {(switch, leg) for switch, leg in found}


def _bring_calls_up_to_date(session: Session, new: Sequence[LegRecord], owners: dict[str, _Owner]) -> None:
    calls: dict[Call, list[LegRecord]] = {}
    for leg in new:
        calls.setdefault((leg.switch, leg.call), []).append(leg)
    if not calls:
        return
    for leg in _others(session, calls, new):
        calls[leg.switch, leg.call].append(leg)
    rows = []
    for (switch, call), legs in calls.items():
        # Legs of one call are of one organisation: the one that its first leg was found to be of.
        owner = owners[next(leg.organisation for leg in legs if leg.organisation in owners) or ""]
        found = summary(legs, partial(_e164, country=owner.country))
        if found is not None:
            rows.append(_call_row(switch, call, owner.id, found) | {"cost": None, "priced": True})
    if rows:
        table: Table = CallRecord.__table__  # type: ignore[assignment]
        insert = _insert(session, table)
        changed = {name: insert.excluded[name] for name in rows[0] if name not in ("switch", "call")}
        session.connection().execute(
            insert.on_conflict_do_update(index_elements=["switch", "call"], set_=changed), rows
        )


def _others(session: Session, calls: Collection[Call], new: Sequence[LegRecord]) -> Iterable[LegRecord]:
    """Legs of these calls that were on record before."""
    here = {(leg.switch, leg.leg) for leg in new}
    table = CallLeg.__table__
    columns = [table.c[name] for name in STORED]
    found = session.connection().execute(select(*columns).where(tuple_(table.c.switch, table.c.call).in_(list(calls))))
    return [leg for row in found if ((leg := _leg(row)).switch, leg.leg) not in here]


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
