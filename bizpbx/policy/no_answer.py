"""What follows when nobody answered (product §7). Never chained: what it rings has no no-answer of its own."""

from __future__ import annotations

from dataclasses import dataclass

from bizpbx.policy.caller import Caller
from bizpbx.policy.failover import attempts
from bizpbx.policy.forwarding import forward
from bizpbx.policy.names import clean_name
from bizpbx.policy.plan import Cause, HangUp, Kept, Play, Reason, Record, Ring, Stage, Step, keeping
from bizpbx.policy.prompt import Prompt
from bizpbx.policy.rules import Rule
from bizpbx.policy.settings import Extension, ExtensionType, NoAnswer, NoAnswerAction, Tenant

CALL_CENTER_WAIT = 30
FORWARD_RING_SECONDS = 60
SHORTEST_WAIT, LONGEST_WAIT = 5, 60
SHORTEST_VOICEMAIL, LONGEST_VOICEMAIL = 1, 60
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What follows a ring that nobody answered, why, and what is kept of the call."""

    steps: tuple[Step, ...]
    reasons: tuple[Reason, ...]
    kept: Kept | None = None

    @property
    def stamped(self) -> tuple[Step, ...]:
        """The steps, each with what is kept."""
        return tuple(keeping(step, self.kept) for step in self.steps)


def wait(extension: Extension) -> int:
    """Seconds that an extension's call rings. Call-centre extensions have no such setting."""
    if extension.type is ExtensionType.CALL_CENTER:
        return CALL_CENTER_WAIT
    return max(SHORTEST_WAIT, min(LONGEST_WAIT, extension.no_answer.wait))


def no_answer(extension: Extension, caller: Caller, tenant: Tenant, ring: Ring | None, unrung: Cause) -> Outcome:
    """What follows `ring`. The call ends with the cause of its last ring, with `unrung` if there was none."""
    end = HangUp(Stage.END, None if ring is not None else unrung)
    key, settings = extension.key, extension.no_answer
    after = f"after {ring.timeout} s" if ring is not None else "at once"
    if extension.type is ExtensionType.CALL_CENTER:
        text = f"{key} is a call-centre extension without no-answer settings: hang up {after}"
        return Outcome((end,), (Reason(Rule.NO_ANSWER_CALL_CENTER, text),))
    match settings.action:
        case NoAnswerAction.FORWARD if settings.number is not None:
            return _forward(extension, settings.number, caller, tenant, ring, after, end)
        case NoAnswerAction.MISSED_CALL:
            reason = Reason(Rule.NO_ANSWER_MISSED_CALL, f"nobody answers {key}: told by mail {after}")
            return Outcome((*_message(settings), end), (reason,), kept_call(key, caller, NoAnswerAction.MISSED_CALL))
        case NoAnswerAction.VOICEMAIL:
            return _voicemail(extension, caller, after)
    reason = Reason(Rule.NO_ANSWER_HANG_UP, f"nobody answers {key}: hang up {after}")
    return Outcome((*_message(settings), end), (reason,))


def kept_call(mailbox: str, caller: Caller, action: NoAnswerAction) -> Kept:
    """What is kept of a call for this key. Dollar signs and backslashes of a name could be taken for syntax on its
    way over the switch."""
    number = caller.extension.key if caller.extension is not None else caller.number
    name = clean_name(caller.name.replace("$", "").replace("\\", "")) if number is not None else ""
    return Kept(action, mailbox, number, name)


def _message(settings: NoAnswer) -> tuple[Step, ...]:
    return (Play(Stage.MESSAGE, settings.message),) if settings.message is not None else ()


def _voicemail(extension: Extension, caller: Caller, after: str) -> Outcome:
    settings = extension.no_answer
    longest = max(SHORTEST_VOICEMAIL, min(LONGEST_VOICEMAIL, settings.longest))
    steps = (
        Play(Stage.MESSAGE, settings.message or Prompt.LEAVE_A_MESSAGE, answer=True),
        Record(Stage.RECORD, longest),
        HangUp(Stage.END, Cause.NORMAL_CLEARING),
    )
    text = f"nobody answers {extension.key}: voicemail {after}, {longest} s at most"
    return Outcome(
        steps, (Reason(Rule.NO_ANSWER_VOICEMAIL, text),), kept_call(extension.key, caller, NoAnswerAction.VOICEMAIL)
    )


def _forward(
    extension: Extension, number: str, caller: Caller, tenant: Tenant, ring: Ring | None, after: str, end: HangUp
) -> Outcome:
    onward, shows = forward(extension, caller, tenant, ring.targets if ring is not None else ())
    targets, reasons = onward.to_number(number)
    started = Reason(Rule.NO_ANSWER_FORWARD, f"nobody answers {extension.key}: forward {after}")
    if not targets:
        nobody = Reason(Rule.FORWARD_NOBODY, f"the forward of {extension.key} leaves nobody to ring: hang up")
        return Outcome((end,), (started, *reasons, nobody))
    second = onward.ring(Stage.NO_ANSWER, targets, FORWARD_RING_SECONDS)
    return Outcome((*attempts(second), HangUp(Stage.END)), (started, *reasons, shows))
