"""One row a call for people, made of its legs. Pure; in whatever order the legs come, the row ends up the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from bizpbx.metering.call_record import Direction
from bizpbx.metering.leg import LegRecord, talk_time
from bizpbx.policy.rules import Rule

_CONSULTATION = str(Rule.CONSULTATION)
_INSIDE = frozenset((Rule.KEY, Rule.KEY_UNKNOWN, Rule.OWN_KEY))
_OUTWARD = frozenset((Rule.GATEWAY_RULE, Rule.EMERGENCY, Rule.EMERGENCY_NO_TRUNK))
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class CallSummary:
    """A call. Fields as in the table call_record."""

    direction: Direction
    caller: str | None
    called: str
    dialled: str
    extension: str | None
    callee: str | None
    answered_by: str | None
    started: datetime
    answered: datetime | None
    ended: datetime
    rang: int
    talked: int
    cause: str
    sip_code: int | None
    rules: tuple[str, ...]
    reason: str
    transfers: str


def summary(legs: Sequence[LegRecord], e164: Callable[[str], str | None]) -> CallSummary | None:
    """The call of these legs; None as long as all that is known are legs that rang in vain.

    `e164` reads a number as it is written in the organisation's home country.
    """
    own = next((leg for leg in legs if leg.own), None)
    called = sorted((leg for leg in legs if not leg.own), key=lambda leg: leg.started)
    # Whom a user only asked did not talk with the one whose call it is.
    talking = sorted((leg for leg in called if leg.answered is not None and not leg.consulted), key=_began)
    first = own or (talking[0] if talking else None)
    if first is None:
        return None
    direction = _direction(first, called)
    last = max((first, *talking), key=lambda leg: leg.ended)
    winner = talking[-1] if talking else None
    transfers = _transfers(legs)
    # The legs that were called say something of it only where they were transferred.
    told = (first, *(leg for leg in called if leg is not first))
    return CallSummary(
        direction=direction,
        caller=_caller(own, e164),
        called=_called(direction, first, called, e164),
        dialled=first.dialled,
        extension=own.extension if own is not None else None,
        callee=first.callee,
        answered_by=None if winner is None else winner.extension or winner.dialled or None,
        started=min(leg.started for leg in (first, *called)),
        answered=first.answered,
        ended=last.ended,
        rang=_rang(first, called),
        talked=_talked(first, last, transfers),
        cause=first.cause,
        sip_code=first.sip_code,
        rules=tuple(rule for leg in told for rule in leg.rules),
        reason="; ".join(leg.reason for leg in told if leg.reason),
        transfers=transfers,
    )


def _transfers(legs: Sequence[LegRecord]) -> str:
    """Each leg whose user transferred the call, in the order in which that ended them."""
    moved = sorted((leg for leg in legs if leg.transferred_to is not None), key=lambda leg: leg.ended)
    return " ".join(f"{leg.extension or '?'}>{leg.transferred_to}" for leg in moved)


def _talked(first: LegRecord, last: LegRecord, transfers: str) -> int:
    """A call that was transferred goes on when the leg is over that it came in on."""
    return talk_time(first.answered, last.ended) if transfers else first.talked


def _direction(first: LegRecord, called: Sequence[LegRecord]) -> Direction:
    if not first.own:
        return Direction.OUTGOING if first.gateway else Direction.INTERNAL
    if first.device is None:
        # A gateway with a rule calls out; what came to a DID in the end has a callee.
        outward = first.callee is None and not _OUTWARD.isdisjoint(first.rules)
        return Direction.OUTGOING if outward else Direction.INCOMING
    # What the user did later, whoever he then asked, was decided on the same leg.
    rules = takewhile(lambda rule: rule != _CONSULTATION, first.rules)
    if first.callee is not None or not _INSIDE.isdisjoint(rules):
        return Direction.INTERNAL
    return Direction.OUTGOING


def _caller(own: LegRecord | None, e164: Callable[[str], str | None]) -> str | None:
    if own is None or own.withheld or not own.caller:
        return None
    return own.caller if own.extension is not None else e164(own.caller) or own.caller


def _called(
    direction: Direction, first: LegRecord, called: Sequence[LegRecord], e164: Callable[[str], str | None]
) -> str:
    match direction:
        case Direction.INTERNAL:
            return first.callee or first.extension or first.dialled
        case Direction.INCOMING:
            return e164(first.dialled) or first.dialled
        case Direction.OUTGOING:
            # What the gateway was asked for is what the dial plan made of what was dialled.
            asked = next((leg.dialled for leg in called if leg.gateway and leg.dialled and not leg.consulted), None)
            return asked or first.dialled


def _rang(first: LegRecord, called: Sequence[LegRecord]) -> int:
    rings = [leg.ringing for leg in called if leg.ringing is not None]
    if not rings:
        return 0
    return max(0, round(((first.answered or first.ended) - min(rings)) / _SECOND))


def _began(leg: LegRecord) -> datetime:
    return leg.answered or leg.started
