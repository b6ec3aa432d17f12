"""Hearing voicemail by phone: a device dials the code and is given the mailbox of its own extension (product §7)."""

from __future__ import annotations

from typing import Final

from bizpbx.policy.plan import PROMPT_FOR, Announce, AskPin, Cause, HangUp, Listen, Plan, Reason, Stage, Step
from bizpbx.policy.rules import Rule
from bizpbx.policy.settings import Extension, ExtensionType

CODE: Final = "*97"
"""No key, no number and no entry of a dial plan begins with a star, so nothing else is meant by it."""


def mailbox(owner: Extension) -> Plan:
    """The call of a device of this extension to the code. It leads to no other mailbox, and from there nowhere."""
    key = owner.key
    if owner.type is ExtensionType.CALL_CENTER:
        none = Reason(Rule.MAILBOX_NONE, f"{key} is a call-centre extension: it has no voicemail to hear")
        cause = Cause.UNALLOCATED_NUMBER
        return Plan((Announce(Stage.ANNOUNCE, PROMPT_FOR[cause]), HangUp(Stage.END, cause)), (none,))
    heard = Reason(Rule.MAILBOX, f"{key} dials {CODE}: it hears its voicemail")
    steps: tuple[Step, ...] = (Listen(Stage.MAILBOX, key), HangUp(Stage.END, Cause.NORMAL_CLEARING))
    if not owner.no_answer.pin:
        return Plan(steps, (heard,))
    asked = Reason(Rule.PIN_ASKED, f"the voicemail of {key} has a PIN: it is asked for")
    return Plan((AskPin(Stage.PASSCODE, key), *steps), (heard, asked))
