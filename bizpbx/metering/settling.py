"""Settle leases when their legs have ended: charge what was talked, give back what was not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, delete, exists, insert, select, tuple_, update
from sqlalchemy.orm import Session

from bizpbx.directory.prepared import Prepared
from bizpbx.metering.allowance import Part, Parts, charges
from bizpbx.metering.call_record import CALL_LEG
from bizpbx.metering.lease import CHARGES, GRANTED, LEASES, RATE, LeaseState, rate_of
from bizpbx.metering.months import month_of
from bizpbx.metering.renewal import UNHELD
from bizpbx.metering.terms import ChargedMonth, Settlement
from bizpbx.metering.usage import Change, Key, add, hold

Leg = tuple[str, str]
"""Switch, and the leg's name there."""

FEW = 500
"""Legs in one query."""

_HALF = timedelta(milliseconds=500)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Talk:
    """The end of a leg. `seconds` of talk since `answered`: whole ones, 0 if it was never answered."""

    switch: str
    leg: str
    answered: datetime | None
    seconds: int
    presumed: bool = False
    """There is no record; this is what was seen of the leg last."""

    def __post_init__(self) -> None:
        if self.seconds > 0 and self.answered is None:
            raise ValueError("a leg that talked was answered")


@dataclass(slots=True)
class _Outcome:
    """What is to be written of one lease."""

    row: Row[Any]
    talk: Talk
    before: Parts
    after: Parts
    held: Parts

    @property
    def state(self) -> LeaseState:
        if self.talk.presumed:
            return LeaseState.PRESUMED
        return LeaseState.SETTLED if self.after else LeaseState.RELEASED


def settle(session: Session, talk: Talk, now: datetime) -> Settlement | None:
    """Settle the lease of one leg; None if it has none."""
    return settle_all(session, (talk,), now).get((talk.switch, talk.leg))


def release(session: Session, switch: str, leg: str, now: datetime) -> Settlement | None:
    """Give back what was granted to a leg that was never dialled, or never answered."""
    return settle(session, Talk(switch, leg, None, 0), now)


def presume(
    session: Session, switch: str, leg: str, now: datetime, answered: datetime | None, talking_until: datetime | None
) -> Settlement | None:
    """Settle a lease whose leg is gone without a record, by the switch's last word: when it was answered, and until
    when it was seen talking. It is charged no more than it was granted, for there the switch cut it. A record that
    turns up later corrects it.

    Where it was never seen talking, but its call is on record, it was never dialled: a switch that writes down the one
    would have written down the other.
    """
    row = session.connection().execute(SEEN, {"switch": switch, "leg": leg}).one_or_none()
    if row is None:
        return None
    if talking_until is None:
        never_dialled = row.state is LeaseState.OPEN and row.call_is_on_record
        return settle(session, Talk(switch, leg, None, 0, presumed=not never_dialled), now)
    since = row.answered_at or answered or row.taken_at
    seconds = max(1, (talking_until - since + _HALF) // _SECOND)
    if row.granted_seconds is not None:
        seconds = min(seconds, row.granted_seconds)
    return settle(session, Talk(switch, leg, since, seconds, presumed=True), now)


def settle_all(session: Session, talks: Iterable[Talk], now: datetime) -> dict[Leg, Settlement]:
    """Settle the leases of many legs, in a transaction of the caller's: as many statements for a thousand as for one.

    Settled again, a lease stays what it is, and the answer is the same. Legs without a lease are not in it. A leg that
    talked longer than it was granted is charged what it talked.
    """
    asked = {(talk.switch, talk.leg): talk for talk in sorted(talks, key=lambda talk: (talk.switch, talk.leg))}
    rows = _locked(session, list(asked))
    held = _parts(session, FREED, [row for row in rows if row.state is LeaseState.OPEN])
    charged = _parts(session, CHARGED, [row for row in rows if row.state in (LeaseState.SETTLED, LeaseState.PRESUMED)])
    outcomes: list[_Outcome] = []
    settled: dict[Leg, Settlement] = {}
    for row in rows:
        talk = asked[row.switch, row.leg]
        before = charged.get(row.id, {})
        final = row.state is LeaseState.SETTLED or (talk.presumed and row.state is not LeaseState.OPEN)
        after = before
        if not final:
            rate = rate_of(row)
            after = charges(talk.answered, talk.seconds, rate, row.zone) if talk.answered is not None else {}
            outcomes.append(_Outcome(row, talk, before, after, held.get(row.id, {})))
        settled[row.switch, row.leg] = _settlement(row, after)
    _write(session, outcomes, now)
    return settled


def _locked(session: Session, legs: list[Leg]) -> list[Row[Any]]:
    """The leases of these legs, held until the transaction ends; all of them before any usage is."""
    rows: list[Any] = []
    for start in range(0, len(legs), FEW):
        rows += LOCKED.all(session, {"legs": legs[start : start + FEW]})
    return rows


def _parts(session: Session, query: Prepared, leases: list[Row[Any]]) -> dict[int, dict[str, Part]]:
    """By lease and month."""
    found: dict[int, dict[str, Part]] = defaultdict(dict)
    for some in _few(leases):
        for lease_id, month, seconds, amount in query.all(session, some):
            found[lease_id][month] = Part(seconds, amount)
    return found


def _few(leases: list[Row[Any]]) -> Iterator[dict[str, list[int]]]:
    """What names these leases in a statement, a few of them at a time."""
    for start in range(0, len(leases), FEW):
        some = leases[start : start + FEW]
        yield {"organisations": sorted({row.organisation_id for row in some}), "leases": [row.id for row in some]}


def _settlement(row: Row[Any], after: Parts) -> Settlement:
    talked = sum(part.seconds for part in after.values())
    return Settlement(
        lease_id=row.id,
        organisation_id=row.organisation_id,
        extension=row.extension,
        charges=tuple(ChargedMonth(month, part.seconds, part.amount) for month, part in sorted(after.items())),
        unused=max(0, row.granted_seconds - talked) if row.granted_seconds is not None else None,
        priced=row.per_minute is not None,
    )


def _write(session: Session, outcomes: list[_Outcome], now: datetime) -> None:
    if not outcomes:
        return
    changes: dict[Key, Change] = defaultdict(Change)
    unknown = False
    for outcome in outcomes:
        row = outcome.row
        # Whoever took the lease has made the rows of the months that it then could fall in.
        known = {month_of(row.taken_at, row.zone), *outcome.held, *outcome.before}
        for parts, sign in ((outcome.before, -1), (outcome.after, 1)):
            for month, part in parts.items():
                change = changes[Key(row.organisation_id, row.extension, month)]
                change.used_seconds += sign * part.seconds
                change.used_amount += sign * part.amount
        for month, part in outcome.held.items():
            change = changes[Key(row.organisation_id, row.extension, month)]
            change.reserved_seconds -= part.seconds
            change.reserved_amount -= part.amount
        unknown = unknown or not known.issuperset(outcome.after)
    if unknown:
        hold(session, changes)
    add(session, changes)
    _rewrite(session, UNCHARGED, [outcome.row for outcome in outcomes if outcome.before])
    CHARGE.run_each(
        session, [_charge(outcome, month, part) for outcome in outcomes for month, part in outcome.after.items()]
    )
    ENDED.run_each(session, [_ended(outcome, now) for outcome in outcomes])


def _rewrite(session: Session, statement: Any, leases: list[Row[Any]]) -> None:
    for some in _few(leases):
        session.connection().execute(statement, some)


def _charge(outcome: _Outcome, month: str, part: Part) -> dict[str, Any]:
    return {
        "organisation_id": outcome.row.organisation_id,
        "lease_id": outcome.row.id,
        "month": month,
        "extension": outcome.row.extension,
        "seconds": part.seconds,
        "amount": part.amount,
    }


def _ended(outcome: _Outcome, now: datetime) -> dict[str, Any]:
    talk = outcome.talk
    answered = talk.answered if talk.seconds > 0 else None
    return {
        "of_lease": outcome.row.id,
        "state": outcome.state,
        "answered_at": answered,
        "ended_at": answered + timedelta(seconds=talk.seconds) if answered is not None else now,
        "renew_at": None,
    }


# Locked, for a renewal meanwhile would give it more than it is charged at most.
SEEN = (
    select(
        LEASES.c.taken_at,
        LEASES.c.answered_at,
        LEASES.c.granted_seconds,
        LEASES.c.state,
        exists()
        .where(CALL_LEG.c.switch == LEASES.c.switch, CALL_LEG.c.leg == LEASES.c.call)
        .label("call_is_on_record"),
    )
    .where(LEASES.c.switch == bindparam("switch"), LEASES.c.leg == bindparam("leg"))
    .with_for_update()
)

LOCKED = Prepared(
    select(
        LEASES.c.id,
        LEASES.c.organisation_id,
        LEASES.c.switch,
        LEASES.c.leg,
        LEASES.c.extension,
        LEASES.c.state,
        LEASES.c.zone,
        *RATE,
        LEASES.c.granted_seconds,
        LEASES.c.taken_at,
    )
    .where(tuple_(LEASES.c.switch, LEASES.c.leg).in_(bindparam("legs", expanding=True)))
    .order_by(LEASES.c.switch, LEASES.c.leg)
    .with_for_update()
)

# An open lease that is settled holds nothing any more.
FREED = Prepared(UNHELD.returning(GRANTED.c.lease_id, GRANTED.c.month, GRANTED.c.seconds, GRANTED.c.amount))

CHARGED = Prepared(
    select(CHARGES.c.lease_id, CHARGES.c.month, CHARGES.c.seconds, CHARGES.c.amount).where(
        CHARGES.c.organisation_id.in_(bindparam("organisations", expanding=True)),
        CHARGES.c.lease_id.in_(bindparam("leases", expanding=True)),
    )
)

UNCHARGED = delete(CHARGES).where(
    CHARGES.c.organisation_id.in_(bindparam("organisations", expanding=True)),
    CHARGES.c.lease_id.in_(bindparam("leases", expanding=True)),
)

CHARGE = Prepared(insert(CHARGES))

ENDED = Prepared(
    update(LEASES)
    .where(LEASES.c.id == bindparam("of_lease"))
    .values(
        state=bindparam("state"),
        answered_at=bindparam("answered_at"),
        ended_at=bindparam("ended_at"),
        renew_at=bindparam("renew_at"),
    )
)
