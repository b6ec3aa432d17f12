"""A call that does as it is told, and remembers what was asked of it; and plans and passcodes for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bizpbx.calls.call import Arrival, CallGone, Talked, Unanswered
from bizpbx.calls.passcode import Verdict
from bizpbx.policy.plan import (
    Announce,
    AskPasscode,
    Cause,
    DeviceTarget,
    GatewayTarget,
    HangUp,
    Kept,
    Plan,
    Reason,
    Ring,
    Stage,
)
from bizpbx.policy.prompt import Prompt
from bizpbx.policy.request import FromDevice, Request
from bizpbx.policy.settings import DeviceKind

DEVICES = Ring(
    Stage.RING,
    (DeviceTarget("100", DeviceKind.IP_PHONE, "100-ip_phone", "acme.example", "101"),),
    timeout=20,
    caller_name="Sales",
)
MOBILE = Ring(Stage.NO_ANSWER, (GatewayTarget("carrier.acme.example", "+6591234567", "+6564291310"),), 30, "Sales")
PLAN = Plan((DEVICES, MOBILE, HangUp(Stage.END)), (Reason("devices", "100 rings"),), "100")
ARRIVAL = Arrival("leg", "acme.example", "127.0.0.1:5060", Request(FromDevice("101-ip_phone"), "100"))


class RecordedCall:
    """A call whose rings end as they are told to; it remembers what was asked of it, in order."""

    def __init__(
        self,
        arrival: Arrival = ARRIVAL,
        rings: tuple[Cause | Unanswered | Talked, ...] = (),
        gone: bool = False,
        entries: tuple[str, ...] = (),
    ) -> None:
        self.arrival = arrival
        self.done: list[str] = []
        self.rung: list[Ring] = []
        self.kept: list[Kept | None] = []
        self._rings = iter(rings)
        self._gone = gone
        self._entries = iter(entries)

    def note(
        self,
        stage: Stage,
        reasons: tuple[Reason, ...],
        plan: Plan,
        attempt: int = 0,
        kept: Kept | None = None,
        section: int = 0,
    ) -> None:
        self.kept.append(kept)
        again = f" {attempt}" if attempt else ""
        where = f"{section} " if section else ""
        self.done.append(f"note {where}{stage}{again} {plan.callee} {' '.join(reason.rule for reason in reasons)}")

    def ring(self, ring: Ring) -> Unanswered | Talked:
        if self._gone:
            raise CallGone
        again = f" {ring.attempt} {ring.timeout} s" if ring.attempt else ""
        self.done.append(f"ring {ring.stage}{again}")
        self.rung.append(ring)
        ended = next(self._rings)
        return Unanswered(ended) if isinstance(ended, Cause) else ended

    def play(self, sound: Prompt | str, answer: bool) -> None:
        self.done.append(f"{'answer and ' if answer else ''}play {sound}")

    def record(self, longest: int) -> None:
        self.done.append(f"record {longest} s")

    def announce(self, prompt: Prompt) -> None:
        self.done.append(f"announce {prompt}")

    def ask_digits(self, prompt: Prompt, tries: int) -> str:
        self.done.append(f"ask {prompt} {tries}")
        return next(self._entries)

    def ask_key(self, sound: str | None, seconds: int) -> str:
        self.done.append(f"ask for a key, {seconds} s" + (f", playing {sound}" if sound else ""))
        return next(self._entries)

    def answer(self) -> None:
        self.done.append("answer")

    def say(self, sounds: Sequence[Prompt | Path]) -> None:
        self.done.append(f"say {' '.join(map(str, sounds))}")

    def offer(self, sounds: Sequence[Prompt | Path], seconds: int, fresh: bool = False) -> str:
        self.done.append(f"offer {' '.join(map(str, sounds))}, {seconds} s")
        return next(self._entries)

    def hang_up(self, cause: Cause) -> None:
        self.done.append(f"hang up {cause}")


class NobodyAsks:
    """Passcodes of which nothing is asked."""

    def locked(self, organisation: str, key: str) -> bool:
        raise AssertionError

    def check(self, organisation: str, key: str, digits: str) -> Verdict:
        raise AssertionError


class Known:
    """One passcode, 2468, that so many wrong entries lock."""

    def __init__(self, left: int = 5) -> None:
        self.left = left
        self.seen: list[str] = []

    def locked(self, organisation: str, key: str) -> bool:
        assert (organisation, key) == ("acme.example", "101")
        return self.left <= 0

    def check(self, organisation: str, key: str, digits: str) -> Verdict:
        assert not self.locked(organisation, key)
        self.seen.append(digits)
        if digits == "2468":
            return Verdict.RIGHT
        self.left -= 1
        return Verdict.LOCKED if self.left <= 0 else Verdict.WRONG


OUT = Ring(Stage.RING, (GatewayTarget("carrier.acme.example", "+93701234567", "+6564291310"),), 120, "+6564291310")
ASKED = Plan(
    (AskPasscode(Stage.PASSCODE, "101"), OUT, Announce(Stage.ANNOUNCE), HangUp(Stage.END)),
    (Reason("passcode-asked", "101 is asked for its passcode"),),
)
FAILED = Unanswered(Cause.NORMAL_TEMPORARY_FAILURE, gateway_failed=True, seconds=4)


def steps(call: RecordedCall) -> list[str]:
    return [line for line in call.done if not line.startswith("note")]
