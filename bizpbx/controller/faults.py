"""Points at which a test lets this process die, as a crash would. For tests only.

`BIZPBX_DIE_AT` names the point; it is refused unless `BIZPBX_TESTING=1` is set, too. Without it `reach` does nothing.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from enum import StrEnum

from bizpbx.errors import ConfigurationError


class Point(StrEnum):
    """Between two steps of the books, each of which another controller has to be able to take up."""

    BEFORE_RESERVATION = "before-reservation"
    RESERVED = "reserved"
    """The reservation is committed, and the leg is not dialled."""
    RENEWED = "renewed"
    """More is reserved, and the switch is not told."""
    HANGING_UP = "hanging-up"
    """A switch has told the end of a leg, and nothing is done about it."""
    SETTLING = "settling"
    """A leg is written and its lease settled, and nothing is committed."""
    ON_RECORD = "on-record"
    """A leg is committed, and its file is where it was."""
    TRANSFERRING = "transferring"
    """A transfer is decided, and the switch is not told."""
    RECORDING = "recording"
    """A voicemail is entered, and the switch is not told to record it."""
    IN_STORE = "in-store"
    """A voicemail is in the store, and nothing is committed."""
    COLLECTED = "collected"
    """A voicemail and its mails are committed, and the file is where it was."""


_armed: Point | None = None


def arm(environment: Mapping[str, str]) -> None:
    """Read where to die. Raises ConfigurationError for a point that is none, and outside of tests."""
    global _armed
    name = environment.get("BIZPBX_DIE_AT", "")
    if not name:
        _armed = None
        return
    if environment.get("BIZPBX_TESTING") != "1":
        raise ConfigurationError("BIZPBX_DIE_AT kills the controller and is for tests only. Remove it.")
    if name not in list(Point):
        raise ConfigurationError(f"BIZPBX_DIE_AT must be one of {', '.join(Point)}, not {name[:64]!r}.")
    _armed = Point(name)


def reach(point: Point) -> None:
    """Die here, if this is the point that was named."""
    if point is _armed:
        os.kill(os.getpid(), signal.SIGKILL)
