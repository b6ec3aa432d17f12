"""Carry a plan out on a call, from wherever an earlier controller left it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bizpbx.calls.call import Arrival, Call, Talked, Unanswered
from bizpbx.calls.gather import gather
from bizpbx.calls.mailbox import listen
from bizpbx.calls.mailboxes import NO_MAILBOXES, Mailboxes
from bizpbx.calls.metering import Meter, give_back, granted
from bizpbx.calls.passcode import PIN, Passcodes, ask
from bizpbx.calls.path import Path
from bizpbx.calls.voicemail import Voicemails
from bizpbx.policy.plan import (
    PROMPT_FOR,
    Announce,
    AskPasscode,
    AskPin,
    Cause,
    GatewayTarget,
    Gather,
    GoOn,
    Keep,
    Listen,
    Plan,
    Play,
    Reason,
    Record,
    Ring,
    Stage,
    Step,
    kept_by,
)
from bizpbx.policy.prompt import Prompt
from bizpbx.policy.rules import Rule

ORDER = tuple(Stage)

SHORTEST_RING = 5
"""Seconds that a further gateway gets, however long the others took."""


def run(
    call: Call,
    decide: Callable[[Arrival], Plan],
    passcodes: Passcodes,
    meter: Meter,
    voicemails: Voicemails,
    mailboxes: Mailboxes = NO_MAILBOXES,
) -> tuple[Reason, ...]:
    """Decide, then carry out every step that is still to be done. Returns the reasons of the plan, and of what happened
    on the way. Raises CallGone when the caller leaves early.

    A resumed call is decided anew and goes on after the stage that was finished: the decision is a pure function of the
    call and the settings, so nothing of it needs to be kept but the stage, which gateway it was, and of a virtual line
    which step.
    """
    arrival = call.arrival
    plan = decide(arrival)
    reasons = plan.reasons
    if arrival.section:
        # The call itself tells which way it has come here, and the settings alone do not.
        reasons = tuple(reason for reason in reasons if reason.section > arrival.section)
    if isinstance(arrival.last, Talked):
        end(call, arrival.last, plan)
        return reasons
    failed = arrival.last
    arrived = (arrival.section, arrival.stage, arrival.attempt)
    path = Path()
    spent = 0
    kept = arrival.kept
    for step in plan.steps:
        section, stage, attempt = place(step)
        if path.leads_past(section) or done(arrival, step):
            continue
        path.come_to(section)
        if isinstance(step, GoOn):
            path.lead_to(step.to)
            continue
        if isinstance(step, Ring) and not goes_on(step, failed) and (section, stage, attempt) != arrived:
            continue
        if isinstance(step, Ring) and attempt:
            reasons = (*reasons, _fails_over(step))
        if isinstance(step, Ring):
            ring, refusals = granted(step, arrival, meter)
            reasons = (*reasons, *(refusal.reason for refusal in refusals))
            if ring is None and _called_out(plan):
                refuse(call, refusals[0].prompt, plan, reasons)
                return reasons
            if ring is None:
                # A forward or transfer that its owner cannot pay for rings nobody; whoever called is not told of it.
                failed = Unanswered(Cause.NO_ANSWER)
                continue
            step = ring
        # A step of a virtual line that keeps nothing itself leaves what one before it kept.
        kept = kept_by(step) or (kept if section else None)
        call.note(stage, path.told(reasons), plan, attempt, kept, section)
        match step:
            case Ring():
                spent = spent if attempt else 0
                ended = call.ring(replace(step, timeout=max(SHORTEST_RING, step.timeout - spent)) if spent else step)
                if isinstance(ended, Talked):
                    end(call, ended, plan)
                    break
                failed = ended
                if ended.gateway_failed:
                    give_back(step, arrival, meter)
                spent += failed.seconds
            case AskPasscode():
                refused = ask(call, step, passcodes)
                if refused is not None:
                    reasons = (*reasons, refused.reason)
                    refuse(call, refused.prompt, plan, reasons)
                    break
            case AskPin():
                call.answer()
                refused = ask(call, step, mailboxes.pins, PIN)
                if refused is not None:
                    reasons = (*reasons, refused.reason)
                    refuse(call, refused.prompt, plan, reasons, Cause.CALL_REJECTED)
                    break
            case Listen():
                listen(call, step, mailboxes)
            case Gather():
                to, why = gather(call, step)
                reasons = (*reasons, why)
                path.lead_to(to)
            case Play():
                call.play(step.sound, step.answer)
            case Record():
                # Entered first: whatever happens from here on, somebody looks for the file.
                voicemails.begin(arrival, plan, step)
                call.record(step.longest)
            case Keep():
                pass  # It is noted, and that is all.
            case Announce():
                prompt = step.prompt or (PROMPT_FOR.get(failed.cause) if failed is not None else None)
                if prompt is not None:
                    call.announce(prompt)
            case _:
                call.hang_up(step.cause or (failed.cause if failed is not None else Cause.NORMAL_CLEARING))
                break
    return path.told(reasons)


def refuse(
    call: Call, prompt: Prompt, plan: Plan, reasons: tuple[Reason, ...], cause: Cause = Cause.OUTGOING_CALL_BARRED
) -> None:
    """End a call that may not be made, or not go on."""
    # From here on no controller that takes over goes back to the ring.
    call.note(Stage.ANNOUNCE, reasons, plan)
    call.announce(prompt)
    call.hang_up(cause)


def end(call: Call, talked: Talked, plan: Plan) -> None:
    """End a call after its conversation. One who called out and was cut off hears why."""
    if talked.cut and _called_out(plan):
        call.announce(Prompt.ALLOWANCE_EXHAUSTED)
    call.hang_up(Cause.NORMAL_CLEARING)


def _called_out(plan: Plan) -> bool:
    """Whether the caller is the one who dialled a number outside, and who pays for it."""
    return plan.callee is None and plan.transferred_by is None


def goes_on(ring: Ring, failed: Unanswered | None) -> bool:
    """Whether a ring is made after how the last one ended. The first of a stage always is; one through a further
    gateway only where the gateway failed, not the called one."""
    if not ring.attempt:
        return True
    if failed is None:
        return False
    return failed.gateway_failed or (ring.insists and failed.cause not in (Cause.USER_BUSY, Cause.NO_ANSWER))


def done(arrival: Arrival, step: Step) -> bool:
    """Whether an earlier controller has finished this step. A key is asked for again."""
    section, stage, attempt = place(step)
    reached = (arrival.section, ORDER.index(arrival.stage), arrival.attempt)
    asked = (section, ORDER.index(stage), attempt)
    ends = isinstance(step, Ring | Play | Record | Announce)
    return asked < reached or (asked == reached and arrival.finished and ends)


def place(step: Step) -> tuple[int, Stage, int]:
    """Section, stage and attempt: what is kept on the channel of where a call stands."""
    return step.section, step.stage, step.attempt if isinstance(step, Ring) else 0


def _fails_over(ring: Ring) -> Reason:
    gateway = next(target.gateway for target in ring.targets if isinstance(target, GatewayTarget))
    return Reason(Rule.GATEWAY_FAILED, f"the gateway before it failed: the call goes on through {gateway}")
