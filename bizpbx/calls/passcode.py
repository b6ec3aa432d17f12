"""Ask for a passcode, or a PIN: three tries a call, and a lock across calls that somebody else keeps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from bizpbx.calls.call import Call
from bizpbx.policy.plan import AskPasscode, AskPin, Reason
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
class Words:
    """What the caller hears, and the rules by which a call ends."""

    what: str
    enter: Prompt
    again: Prompt
    wrong: Prompt
    locked: Prompt
    wrong_rule: Rule
    locked_rule: Rule


PASSCODE: Final = Words(
    "passcode",
    Prompt.ENTER_PASSCODE,
    Prompt.ENTER_PASSCODE_AGAIN,
    Prompt.WRONG_PASSCODE,
    Prompt.PASSCODE_LOCKED,
    Rule.PASSCODE_WRONG,
    Rule.PASSCODE_LOCKED,
)
PIN: Final = Words(
    "voicemail PIN",
    Prompt.ENTER_PIN,
    Prompt.WRONG_PIN,
    Prompt.PIN_REFUSED,
    Prompt.PIN_LOCKED,
    Rule.PIN_WRONG,
    Rule.PIN_LOCKED,
)


@dataclass(frozen=True, slots=True)
class Refused:
    """Why the call is not made, for the caller and for the record."""

    prompt: Prompt
    reason: Reason


def ask(call: Call, step: AskPasscode | AskPin, passcodes: Passcodes, words: Words = PASSCODE) -> Refused | None:
    """Ask until it is right (None) or the call is refused. Raises CallGone when the caller hangs up."""
    organisation, key = call.arrival.organisation or "", step.extension
    locked = Refused(words.locked, Reason(words.locked_rule, f"the {words.what} of {key} is locked"))
    if passcodes.locked(organisation, key):
        return locked
    prompt = words.enter if call.arrival.tries == 0 else words.again
    for tries in range(call.arrival.tries, step.tries):
        digits = call.ask_digits(prompt, tries)
        if not digits:
            prompt = words.enter
            continue
        prompt = words.again
        match passcodes.check(organisation, key, digits):
            case Verdict.RIGHT:
                return None
            case Verdict.LOCKED:
                return locked
    text = f"the {words.what} of {key} was not keyed in within {step.tries} tries"
    return Refused(words.wrong, Reason(words.wrong_rule, text))
