"""Carry a plan out on a call, from wherever an earlier controller left it."""

from __future__ import annotations

from collections.abc import Callable

from bizpbx.calls.call import Arrival, Call
from bizpbx.policy.plan import Cause, Plan, Ring, Stage

ORDER = tuple(Stage)


def run(call: Call, decide: Callable[[Arrival], Plan]) -> None:
    """Decide, then carry out every step that is still to be done. Raises CallGone when the caller leaves early.

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
        if isinstance(step, Ring):
            cause = call.ring(step)
            if cause is None:
                return
        else:
            call.hang_up(step.cause or cause or Cause.NORMAL_CLEARING)
            return


def done(arrival: Arrival, stage: Stage) -> bool:
    """Whether an earlier controller has finished this stage."""
    reached, asked = ORDER.index(arrival.stage), ORDER.index(stage)
    return asked < reached or (asked == reached and arrival.ring_finished)
