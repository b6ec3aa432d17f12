"""What a leg says of why it went where it went: rules and sentences. A call that was transferred keeps those of before,
and one that is taken over in a virtual line those of the way that it has gone. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bizpbx.calls.call import Arrival
from bizpbx.policy.plan import Plan, Reason, Stage

RULE: Final = "bizpbx_rule"
REASON: Final = "bizpbx_reason"
CALLEE: Final = "bizpbx_callee"
BEFORE: Final = "bizpbx_before"
"""On a leg that was transferred: how many rules, and how many characters of sentences, are of before that."""


@dataclass(frozen=True, slots=True)
class Told:
    """What stands on the leg and stays there; nothing for other calls. `before`: what BEFORE says, of a call that was
    transferred."""

    before: str = ""
    rules: tuple[str, ...] = ()
    reason: str = ""

    def variables(self, reasons: tuple[Reason, ...], plan: Plan) -> dict[str, str]:
        """Variables of the leg, for what has been decided by now. Who was called at first stays."""
        rules = (*self.rules, *(reason.rule for reason in reasons))
        text = "; ".join(filter(None, (self.reason, *(reason.text for reason in reasons))))
        variables = {RULE: " ".join(rules), REASON: text}
        if self.before:
            return variables | {BEFORE: self.before}
        return variables | {CALLEE: plan.callee or ""}


def told_before(data: Mapping[str, str], arrival: Arrival) -> Told:
    """Read from the data of a leg, as it arrives or is taken over."""
    if not arrival.transfers and not arrival.section:
        return Told()
    rules = tuple(data.get(f"variable_{RULE}", "").split())
    reason = data.get(f"variable_{REASON}", "")
    before = data.get(f"variable_{BEFORE}", "") if arrival.transfers and arrival.stage is not Stage.NEW else ""
    if before and not arrival.section:
        # Another controller has written more since, which is decided anew.
        counts = before.split()
        many, long = (int(count) if count.isascii() and count.isdigit() else 0 for count in (*counts, "", "")[:2])
        rules, reason = rules[:many], reason[:long]
    if arrival.transfers and not before:
        before = f"{len(rules)} {len(reason)}"
    return Told(before, rules, reason)
