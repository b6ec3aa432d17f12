"""Carry a plan out on a call, from wherever an earlier controller left it."""

from __future__ import annotations

from collections.abc import Callable

from bizpbx.calls.call import Arrival, Call
from bizpbx.calls.passcode import Passcodes, ask
from bizpbx.policy.plan import PROMPT_FOR, Announce, AskPasscode, Cause, Plan, Reason, Ring, Stage

ORDER = tuple(Stage)


def run(call: Call, decide: Callable[[Arrival], Plan], passcodes: Passcodes) -> tuple[Reason, ...]:
    """Decide, then carry out every step that is still to be done. Returns the reasons of the plan, and of what the
    caller did. Raises CallGone when the caller leaves early.

    A resumed call is decided anew and goes on after the stage that was finished: the decision is a pure function of the
    call and the settings, so nothing of it needs to be kept but the stage.
    """
    arrival = call.arrival
    plan = decide(arrival)
    cause = arrival.last_cause
    for step in plan.steps:
        if done(arrival, step.stage):
            continue
        call.note(step.stage, plan.reasons, plan.callee)
        match step:
            case Ring():
                cause = call.ring(step)
                if cause is None:
                    return plan.reasons
            case AskPasscode():
                refused = ask(call, step, passcodes)
                if refused is not None:
                    reasons = (*plan.reasons, refused.reason)
                    # From here on no controller that takes over goes back to the ring.
                    call.note(Stage.ANNOUNCE, reasons, plan.callee)
                    call.announce(refused.prompt)
                    call.hang_up(Cause.OUTGOING_CALL_BARRED)
                    return reasons
            case Announce():
                prompt = step.prompt or (PROMPT_FOR.get(cause) if cause is not None else None)
                if prompt is not None:
                    call.announce(prompt)
            case _:
                call.hang_up(step.cause or cause or Cause.NORMAL_CLEARING)
                break
    return plan.reasons


def done(arrival: Arrival, stage: Stage) -> bool:
    """Whether an earlier controller has finished this stage."""
    reached, asked = ORDER.index(arrival.stage), ORDER.index(stage)
    return asked < reached or (asked == reached and arrival.ring_finished and stage is not Stage.END)
