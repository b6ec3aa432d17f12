"""Ask for a passcode: three tries a call, and a lock across calls that somebody else keeps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from bizpbx.calls.call import Call
from bizpbx.policy.plan import AskPasscode, Reason
from bizpbx.policy.prompt import Prompt
from bizpbx.policy.rules import Rule


class Verdict(StrEnum):
    RIGHT = "right"
    WRONG = "wrong"
    LOCKED = "locked"
    """The passcode is locked, by this entry or before it. Whether the entry was right is not told."""


class Passcodes(Protocol):
    """What is known of passcodes and of wrong entries. Both answers hold for all calls of the extension together."""

    def locked(self, organisation: str, key: str) -> bool:
        """Whether the passcode of an extension is locked now."""

    def check(self, organisation: str, key: str, digits: str) -> Verdict:
        """Judge one entry, and count it if it is wrong."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why the call is not made, for the caller and for the record."""

    prompt: Prompt
    reason: Reason


def ask(call: Call, step: AskPasscode, passcodes: Passcodes) -> Refused | None:
    """Ask until the passcode is right (None) or the call is refused. Raises CallGone when the caller hangs up."""
    organisation, key = call.arrival.organisation or "", step.extension
    locked = Refused(Prompt.PASSCODE_LOCKED, Reason(Rule.PASSCODE_LOCKED, f"the passcode of {key} is locked"))
    if passcodes.locked(organisation, key):
        return locked
    prompt = Prompt.ENTER_PASSCODE if call.arrival.tries == 0 else Prompt.ENTER_PASSCODE_AGAIN
    for tries in range(call.arrival.tries, step.tries):
        digits = call.ask_digits(prompt, tries)
        if not digits:
            prompt = Prompt.ENTER_PASSCODE
            continue
        prompt = Prompt.ENTER_PASSCODE_AGAIN
        match passcodes.check(organisation, key, digits):
            case Verdict.RIGHT:
                return None
            case Verdict.LOCKED:
                return locked
    text = f"the passcode of {key} was not keyed in within {step.tries} tries"
    return Refused(Prompt.WRONG_PASSCODE, Reason(Rule.PASSCODE_WRONG, text))
