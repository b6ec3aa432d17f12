"""What a switch says of the legs that are up. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from bizpbx.freeswitch.arming import ARMED, armed_with

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class LegState:
    """A leg that is up. `armed`: the seconds that its ends are set for, see arming."""

    answered: datetime | None
    armed: frozenset[int]


def live_legs(text: str) -> frozenset[str]:
    """UUIDs of all legs, from `show channels as json`. Raises ValueError for anything else: a switch that says nothing
    must not look like one without calls."""
    found = orjson.loads(text)
    if not isinstance(found, dict) or "row_count" not in found:
        raise ValueError("The switch did not list its channels.")
    return frozenset(str(row["uuid"]) for row in found.get("rows", ()))


def leg_state(text: str) -> LegState | None:
    """The state of one leg, from `uuid_dump … json`; None if there is no such leg. Raises ValueError as above."""
    if text.startswith("-ERR"):
        return None
    data: dict[str, Any] = orjson.loads(text)
    micros = int(data.get("Caller-Channel-Answered-Time") or 0)
    answered = _EPOCH + timedelta(microseconds=micros) if micros else None
    return LegState(answered, armed_with(data.get(f"variable_{ARMED}", "")))
