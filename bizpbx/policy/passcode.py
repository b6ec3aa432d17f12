"""The passcode that a country requires (product §1): asked for, waived, or the reason why the call is barred."""

from __future__ import annotations

from dataclasses import dataclass

from bizpbx.policy.plan import AskPasscode, Reason, Stage
from bizpbx.policy.rules import Rule
from bizpbx.policy.settings import Extension, Organisation


@dataclass(frozen=True, slots=True)
class Asked:
    """`goes_on`: whether the call may be made, after the `step` if there is one."""

    goes_on: bool
    step: AskPasscode | None
    reason: Reason


def passcode(owner: Extension, organisation: Organisation, caller_present: bool) -> Asked:
    """What a required passcode means for a call of this extension.

    Where the extension has none the call goes through, unless the organisation refuses that. On a forward, and on a
    call from a gateway, the caller is somebody else, who is never asked for the passcode of the extension that pays.
    """
    key = owner.key
    if not caller_present:
        text = f"there is nobody on the line who is asked for the passcode of {key}"
        return Asked(False, None, Reason(Rule.PASSCODE_REQUIRED, text))
    if owner.passcode:
        return Asked(
            True, AskPasscode(Stage.PASSCODE, key), Reason(Rule.PASSCODE_ASKED, f"{key} is asked for its passcode")
        )
    if organisation.refuse_without_passcode:
        text = f"{key} has no passcode, and {organisation.domain} refuses such calls"
        return Asked(False, None, Reason(Rule.PASSCODE_MISSING, text))
    return Asked(True, None, Reason(Rule.PASSCODE_OFF, f"{key} has no passcode: it is not asked for one"))
