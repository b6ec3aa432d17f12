"""What follows when nobody answered (product §7). Never chained: what it rings has no no-answer of its own."""

from __future__ import annotations

from bizpbx.policy.caller import Caller
from bizpbx.policy.failover import attempts
from bizpbx.policy.forwarding import forward
from bizpbx.policy.plan import Cause, HangUp, Reason, Ring, Stage, Step
from bizpbx.policy.rules import Rule
from bizpbx.policy.settings import Extension, ExtensionType, NoAnswerAction, Tenant

CALL_CENTER_WAIT = 30
FORWARD_RING_SECONDS = 60
SHORTEST_WAIT, LONGEST_WAIT = 5, 60


def wait(extension: Extension) -> int:
    """Seconds that an extension's call rings. Call-centre extensions have no such setting."""
    if extension.type is ExtensionType.CALL_CENTER:
        return CALL_CENTER_WAIT
    return max(SHORTEST_WAIT, min(LONGEST_WAIT, extension.no_answer.wait))


def no_answer(
    extension: Extension, caller: Caller, tenant: Tenant, ring: Ring | None, unrung: Cause
) -> tuple[tuple[Step, ...], tuple[Reason, ...]]:
    """The steps after `ring`. The call ends with the cause of its last ring, with `unrung` if there was none."""
    end = HangUp(Stage.END, None if ring is not None else unrung)
    key, settings = extension.key, extension.no_answer
    after = f"after {ring.timeout} s" if ring is not None else "at once"
    if extension.type is ExtensionType.CALL_CENTER:
        text = f"{key} is a call-centre extension without no-answer settings: hang up {after}"
        return (end,), (Reason(Rule.NO_ANSWER_CALL_CENTER, text),)
    if settings.action is not NoAnswerAction.FORWARD or settings.number is None:
        return (end,), (Reason(Rule.NO_ANSWER_HANG_UP, f"nobody answers {key}: hang up {after}"),)
    onward, shows = forward(extension, caller, tenant, ring.targets if ring is not None else ())
    targets, reasons = onward.to_number(settings.number)
    started = Reason(Rule.NO_ANSWER_FORWARD, f"nobody answers {key}: forward {after}")
    if not targets:
        nobody = Reason(Rule.FORWARD_NOBODY, f"the forward of {key} leaves nobody to ring: hang up")
        return (end,), (started, *reasons, nobody)
    second = onward.ring(Stage.NO_ANSWER, targets, FORWARD_RING_SECONDS)
    return (*attempts(second), HangUp(Stage.END)), (started, *reasons, shows)
