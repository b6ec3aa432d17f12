"""Ask for a key, and go on where it leads."""

from __future__ import annotations

from bizpbx.calls.call import Call
from bizpbx.policy.plan import Gather, Reason
from bizpbx.policy.rules import Rule


def gather(call: Call, step: Gather) -> tuple[int, Reason]:
    """The section where the call goes on, and why. Raises CallGone when the caller hangs up."""
    sections = dict(step.sections)
    for _ in range(step.tries):
        key = call.ask_key(step.sound, step.seconds)
        if key in sections:
            return sections[key], Reason(Rule.KEY_PRESSED, f"the caller pressed {key}", step.section)
    text = f"the caller pressed none of the keys in {step.tries} tries"
    return step.otherwise, Reason(Rule.NO_KEY_PRESSED, text, step.section)
