"""Between a call's flow and a switch: FreeSWITCH and Asterisk implement it, the flow knows nothing else of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bizpbx.policy.plan import Cause, Kept, Plan, Reason, Ring, Stage
from bizpbx.policy.prompt import Prompt
from bizpbx.policy.request import Request


class CallGone(Exception):
    """The caller hung up, or the switch dropped the call: there is nothing left to control."""


class CallMoved(CallGone):
    """The call was transferred: it is handed over anew, and what was planned for it before is void."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """How a ring ended that nobody answered."""

    cause: Cause
    gateway_failed: bool = False
    """The gateway could not be reached or failed by itself: another one may still reach the number."""
    seconds: int = 0
    """How long it took, where that is known."""


@dataclass(frozen=True, slots=True)
class Talked:
    """A ring was answered, and that conversation has ended."""

    cut: bool = False
    """By the switch, because what had been granted ran out."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A call as the switch hands it over. `organisation` is the domain its dialplan context is anchored to."""

    id: str
    """The switch's own name for the leg (a UUID on FreeSWITCH)."""
    organisation: str | None
    """None for a call from a trunk, whose organisation follows from the dialled number."""
    source: str
    """Address the call came from, `host:port`; gateways are recognised by it."""
    request: Request
    gateway: str | None = None
    """Name on the switch of the gateway whose account the call signed in with; None: it came by its address."""
    switch: str = ""
    """Name of the switch that has the call."""
    stage: Stage = Stage.NEW
    """Where an earlier controller left it; NEW for a call nobody has touched."""
    attempt: int = 0
    """Which ring of that stage it was: each gateway is one."""
    section: int = 0
    """Which step of a virtual line it was; 0 for other calls."""
    finished: bool = False
    """With a ring, a message or a recording: whether it really ended, or its controller died before asking for it."""
    last: Unanswered | Talked | None = None
    """How the last ring ended, if there was one."""
    device: bool = False
    """Whether a device of the organisation is at the far end."""
    holds: str | None = None
    """The leg that the caller has held meanwhile, and goes back to when this call is over."""
    transfers: int = 0
    """How often the call was transferred before it came here."""
    tries: int = 0
    """Entries for the passcode that an earlier controller has taken, all wrong."""
    kept: Kept | None = None
    """What an earlier controller left on the channel to be kept of the call."""


class Call(Protocol):
    """One live call. Every method raises CallGone when the call has ended."""

    @property
    def arrival(self) -> Arrival: ...

    def note(
        self,
        stage: Stage,
        reasons: tuple[Reason, ...],
        plan: Plan,
        attempt: int = 0,
        kept: Kept | None = None,
        section: int = 0,
    ) -> None:
        """Write to the channel where the call stands, why and whose it is, and what is kept of it: for engineers, for
        the record and for the next controller."""

    def ring(self, ring: Ring) -> Unanswered | Talked:
        """Ring all targets together; the first answer wins. Returns when that conversation has ended, or why there was
        none. Legs with a lease end by the switch's own clock, whatever becomes of the controller."""

    def play(self, sound: Prompt | str, answer: bool) -> None:
        """Let the caller hear a message: an announcement, or the sound with this content id. With `answer` the call is
        answered first. A sound that cannot be had is left out. Returns when it has been said."""

    def record(self, longest: int) -> None:
        """Answer, beep, and record what the caller says, for `longest` seconds at most. `#` and a long silence end it.
        The file is named after the call. Returns when it is closed."""

    def announce(self, prompt: Prompt) -> None:
        """Tell the caller something, before an answer if there was none. Returns when it has been said."""

    def ask_digits(self, prompt: Prompt, tries: int) -> str:
        """Ask for digits, ended by `#` or five seconds of silence. Returns "" if none came.

        `tries`, how often the call was asked before, is left on the channel for the next controller. The digits are
        not: an implementation sees to it that they are in no log, no record and no variable that stays.
        """

    def ask_key(self, sound: str | None, seconds: int) -> str:
        """Answer the call, if it is not, and wait for one key, at most `seconds` after the end of the sound with this
        content id; a key ends that, too. Returns "" if none came."""

    def answer(self) -> None:
        """Answer the call, if it is not."""

    def say(self, sounds: Sequence[Prompt | Path]) -> None:
        """Let the caller hear announcements, and files that the switch can read, one after the other. Keys that are
        pressed before the end are forgotten."""

    def offer(self, sounds: Sequence[Prompt | Path], seconds: int, fresh: bool = False) -> str:
        """Likewise, until a key is pressed, and wait for one so many seconds more. Returns the key, "" if none came.
        With `fresh`, one that was pressed before they began does nothing."""

    def hang_up(self, cause: Cause) -> None:
        """End the call. A caller who has somebody held goes back to that one, and is told first if nobody took it."""
