"""A virtual line as a value: the steps that a call to its key, or to a DID that leads to it, goes through (product §7).

Steps follow one another; a step leads elsewhere by the name of another step of its line. A call never comes back to a
step it was at: what could is refused when it is saved (bizpbx.policy.line_graph).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

END: Final = "end"
"""Where a branch leads that has no further step. No step has this name."""

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY: Final = 24 * 60
"""Minutes."""


@dataclass(frozen=True, slots=True)
class PlayMessage:
    """Let the caller hear a message."""

    sound: str
    """Its digest."""
    answer: bool = True
    """Whether the call is answered first. Many networks let nothing be heard before an answer."""


@dataclass(frozen=True, slots=True)
class RingExtensions:
    """Ring extensions together, each as a call to it alone would, for `seconds`."""

    extensions: tuple[str, ...]
    seconds: int


@dataclass(frozen=True, slots=True)
class ForwardTo:
    """Call a public number (E.164) as an outgoing call of `payer`, or go on with another line (its key)."""

    number: str
    payer: str | None
    """Key of the extension that pays, and whose outbound rule applies; a call that stays inside needs none."""
    seconds: int


@dataclass(frozen=True, slots=True)
class GatherDigit:
    """Wait for one key, and go on at the step that it leads to."""

    digits: tuple[tuple[str, str], ...]
    """Key → name of a step."""
    none: str | None
    """Where the call goes on if none of these is pressed; None: the step that follows."""
    seconds: int
    """That a caller has for the key, once the message is over."""
    tries: int
    sound: str | None = None
    """Digest of what the caller hears meanwhile; a key ends it. None: nothing."""


@dataclass(frozen=True, slots=True)
class Hours:
    """Go on with the next step within these hours by the organisation's clock, else elsewhere.

    `begin` and `end` are minutes since midnight, `end` itself is outside. Hours that end before they begin last over
    midnight, and belong to the day on which they began.
    """

    weekdays: frozenset[int]
    """0 is Monday."""
    begin: int
    end: int
    otherwise: str
    """Name of a step."""

    def hold(self, weekday: int, minute: int) -> bool:
        """Whether it is within them on a weekday at a minute of the day."""
        if self.begin < self.end:
            return weekday in self.weekdays and self.begin <= minute < self.end
        if minute >= self.begin:
            return weekday in self.weekdays
        return minute < self.end and (weekday - 1) % 7 in self.weekdays


@dataclass(frozen=True, slots=True)
class RecordMissedCall:
    """Keep the call for an extension (its key), whose people are told of it, unless somebody takes it later on."""

    extension: str


@dataclass(frozen=True, slots=True)
class HangUpStep:
    """End the call."""


Action = PlayMessage | RingExtensions | ForwardTo | GatherDigit | Hours | RecordMissedCall | HangUpStep


@dataclass(frozen=True, slots=True)
class LineStep:
    """One step. `next` is where the call goes on after it: a step's name, END, or None for the one that follows."""

    action: Action
    name: str | None = None
    next: str | None = None


@dataclass(frozen=True, slots=True)
class VirtualLine:
    """`key` is dialled inside, and DIDs lead to it."""

    key: str
    label: str
    steps: tuple[LineStep, ...]

    def place(self, position: int) -> str:
        """A step in a sentence, for people, who count from 1: `800 step 3 (sales)`."""
        name = self.steps[position].name
        return f"{self.key} step {position + 1}" + (f" ({name})" if name is not None else "")


def extensions_of(line: VirtualLine) -> frozenset[str]:
    """Keys of all extensions that its steps name."""
    found: set[str] = set()
    for step in line.steps:
        match step.action:
            case RingExtensions(extensions):
                found.update(extensions)
            case ForwardTo(payer=str(payer)):
                found.add(payer)
            case RecordMissedCall(key):
                found.add(key)
    return frozenset(found)


def clock(minutes: int) -> str:
    """Minutes since midnight as `HH:MM`; the end of the day is 24:00.

    >>> clock(570), clock(24 * 60)
    ('09:30', '24:00')
    """
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def minutes(text: str) -> int:
    """Minutes since midnight of a time as `clock` writes it.

    >>> minutes("09:30"), minutes("24:00")
    (570, 1440)
    """
    hour, minute = text.split(":")
    return 60 * int(hour) + int(minute)
