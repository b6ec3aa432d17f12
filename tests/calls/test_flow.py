"""A plan carried out step by step, from the start and from wherever an earlier controller left the call."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bizpbx.calls.call import CallGone, Talked, Unanswered
from bizpbx.calls.flow import run
from bizpbx.calls.metering import Unmetered
from bizpbx.calls.voicemail import NoVoicemails
from bizpbx.policy.plan import (
    Announce,
    Cause,
    HangUp,
    Plan,
    Stage,
)
from bizpbx.policy.prompt import Prompt
from tests.calls.recorded_call import ARRIVAL, ASKED, DEVICES, PLAN, NobodyAsks, RecordedCall, steps


def test_an_answered_ring_ends_the_plan() -> None:
    call = RecordedCall(rings=(Talked(),))
    run(call, lambda _: PLAN, NobodyAsks(), Unmetered(), NoVoicemails())
    assert call.done == ["note ring 100 devices", "ring ring", "hang up NORMAL_CLEARING"]


def test_nobody_answers_and_the_next_step_follows_until_the_caller_hears_how_the_last_ring_ended() -> None:
    call = RecordedCall(rings=(Cause.NO_ANSWER, Cause.USER_BUSY))
    run(call, lambda _: PLAN, NobodyAsks(), Unmetered(), NoVoicemails())
    assert [line for line in call.done if not line.startswith("note")] == [
        "ring ring",
        "ring no_answer",
        "hang up USER_BUSY",
    ]


def test_each_step_is_noted_on_the_channel_before_it_is_carried_out() -> None:
    call = RecordedCall(rings=(Cause.NO_ANSWER, Cause.NO_ANSWER))
    run(call, lambda _: PLAN, NobodyAsks(), Unmetered(), NoVoicemails())
    assert [line.split()[0] for line in call.done] == ["note", "ring", "note", "ring", "note", "hang"]


def test_a_cause_of_the_plan_beats_the_one_of_the_ring() -> None:
    call = RecordedCall(rings=(Cause.NO_ANSWER,))
    run(
        call,
        lambda _: Plan((DEVICES, HangUp(Stage.END, Cause.CALL_REJECTED)), ()),
        NobodyAsks(),
        Unmetered(),
        NoVoicemails(),
    )
    assert call.done[-1] == "hang up CALL_REJECTED"


def test_a_ring_that_ended_under_an_earlier_controller_is_not_repeated() -> None:
    arrival = replace(ARRIVAL, stage=Stage.RING, finished=True, last=Unanswered(Cause.NO_ANSWER))
    call = RecordedCall(arrival, rings=(Cause.USER_BUSY,))
    run(call, lambda _: PLAN, NobodyAsks(), Unmetered(), NoVoicemails())
    assert call.done[:2] == ["note no_answer 100 devices", "ring no_answer"]


def test_a_ring_that_an_earlier_controller_announced_but_never_asked_for_is_made_now() -> None:
    call = RecordedCall(replace(ARRIVAL, stage=Stage.RING, finished=False), rings=(Talked(),))
    run(call, lambda _: PLAN, NobodyAsks(), Unmetered(), NoVoicemails())
    assert call.done == ["note ring 100 devices", "ring ring", "hang up NORMAL_CLEARING"]


def test_a_resumed_call_with_nothing_left_but_the_end_gets_the_cause_of_the_earlier_ring() -> None:
    arrival = replace(ARRIVAL, stage=Stage.NO_ANSWER, finished=True, last=Unanswered(Cause.USER_BUSY))
    call = RecordedCall(arrival)
    run(call, lambda _: PLAN, NobodyAsks(), Unmetered(), NoVoicemails())
    assert call.done == ["note end 100 devices", "hang up USER_BUSY"]


def test_a_caller_who_hangs_up_ends_the_flow_at_once() -> None:
    call = RecordedCall(gone=True)
    with pytest.raises(CallGone):
        run(call, lambda _: PLAN, NobodyAsks(), Unmetered(), NoVoicemails())
    assert call.done == ["note ring 100 devices"]


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        (Cause.NORMAL_TEMPORARY_FAILURE, ["announce lines_busy"]),
        (Cause.UNALLOCATED_NUMBER, ["announce not_in_service"]),
        (Cause.USER_BUSY, []),
    ],
)
def test_a_failed_ring_is_told_where_tones_do_not_tell_it(cause: Cause, told: list[str]) -> None:
    call = RecordedCall(rings=(cause,))
    run(call, lambda _: Plan(ASKED.steps[1:], ()), NobodyAsks(), Unmetered(), NoVoicemails())
    assert steps(call) == ["ring ring", *told, f"hang up {cause}"]


def test_a_denied_call_is_told_before_it_ends() -> None:
    call = RecordedCall()
    denied = (Announce(Stage.ANNOUNCE, Prompt.NOT_ALLOWED), HangUp(Stage.END, Cause.OUTGOING_CALL_BARRED))
    run(call, lambda _: Plan(denied, ()), NobodyAsks(), Unmetered(), NoVoicemails())
    assert steps(call) == ["announce not_allowed", "hang up OUTGOING_CALL_BARRED"]
