"""Nobody answers, and a message is left."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bizpbx.calls.call import Arrival, Talked, Unanswered
from bizpbx.calls.flow import run
from bizpbx.calls.metering import Unmetered
from bizpbx.policy.plan import (
    Cause,
    HangUp,
    Kept,
    Plan,
    Play,
    Record,
    Stage,
)
from bizpbx.policy.settings import NoAnswerAction
from tests.calls.recorded_call import ARRIVAL, DEVICES, NobodyAsks, RecordedCall, steps

KEPT = Kept(NoAnswerAction.VOICEMAIL, "100", "101", "Sales")
VOICEMAIL = Plan(
    (
        replace(DEVICES, kept=KEPT),
        Play(Stage.MESSAGE, "0" * 64, answer=True, kept=KEPT),
        Record(Stage.RECORD, 30, KEPT),
        HangUp(Stage.END, Cause.NORMAL_CLEARING, KEPT),
    ),
    (),
    "100",
    "acme.example",
)


class Entered:
    """Voicemails that are written into the call's own list of what was done."""

    def __init__(self, call: RecordedCall) -> None:
        self._call = call

    def begin(self, arrival: Arrival, plan: Plan, step: Record) -> None:
        assert step.kept == KEPT
        self._call.done.append(f"enter {arrival.id} of {plan.organisation}")


def recorded(arrival: Arrival, *rings: Cause | Talked) -> RecordedCall:
    call = RecordedCall(arrival, rings=rings)
    run(call, lambda _: VOICEMAIL, NobodyAsks(), Unmetered(), Entered(call))
    return call


def test_a_recording_is_entered_before_it_is_made() -> None:
    call = recorded(ARRIVAL, Cause.NO_ANSWER)

    assert steps(call) == [
        "ring ring",
        f"answer and play {'0' * 64}",
        "enter leg of acme.example",
        "record 30 s",
        "hang up NORMAL_CLEARING",
    ]
    assert call.kept == [KEPT] * 4


def test_what_was_answered_is_not_recorded() -> None:
    assert steps(recorded(ARRIVAL, Talked())) == ["ring ring", "hang up NORMAL_CLEARING"]


@pytest.mark.parametrize(
    ("stage", "finished", "left"),
    [
        (Stage.RING, True, 4),
        (Stage.MESSAGE, False, 4),
        (Stage.MESSAGE, True, 3),
        (Stage.RECORD, False, 3),
        (Stage.RECORD, True, 1),
        (Stage.END, True, 1),
    ],
)
def test_another_controller_goes_on_after_what_was_finished(stage: Stage, finished: bool, left: int) -> None:
    call = recorded(replace(ARRIVAL, stage=stage, finished=finished, last=Unanswered(Cause.NO_ANSWER)))

    assert steps(call) == steps(recorded(ARRIVAL, Cause.NO_ANSWER))[-left:]
