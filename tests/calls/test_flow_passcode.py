"""A call that is asked for a passcode before it is dialled."""

from __future__ import annotations

from dataclasses import replace

from bizpbx.calls.call import Talked
from bizpbx.calls.flow import run
from bizpbx.calls.metering import Unmetered
from bizpbx.calls.voicemail import NoVoicemails
from bizpbx.policy.plan import (
    Stage,
)
from tests.calls.recorded_call import ARRIVAL, ASKED, Known, NobodyAsks, RecordedCall, steps


def test_nothing_is_dialled_before_the_passcode_is_right() -> None:
    call = RecordedCall(rings=(Talked(),), entries=("1111", "2468"))
    reasons = run(call, lambda _: ASKED, Known(), Unmetered(), NoVoicemails())
    assert steps(call) == ["ask enter_passcode 0", "ask enter_passcode_again 1", "ring ring", "hang up NORMAL_CLEARING"]
    assert reasons == ASKED.reasons


def test_three_wrong_ones_end_the_call_with_the_reason_on_record() -> None:
    call = RecordedCall(entries=("1111", "2222", "3333"))
    reasons = run(call, lambda _: ASKED, Known(), Unmetered(), NoVoicemails())
    assert steps(call)[2:] == ["ask enter_passcode_again 2", "announce wrong_passcode", "hang up OUTGOING_CALL_BARRED"]
    assert [reason.rule for reason in reasons] == ["passcode-asked", "passcode-wrong"]
    assert "note announce None passcode-asked passcode-wrong" in call.done


def test_an_entry_that_locks_ends_the_call_at_once() -> None:
    call = RecordedCall(entries=("1111", "2222"))
    reasons = run(call, lambda _: ASKED, Known(left=2), Unmetered(), NoVoicemails())
    assert steps(call)[2:] == ["announce passcode_locked", "hang up OUTGOING_CALL_BARRED"]
    assert reasons[-1].rule == "passcode-locked"


def test_a_locked_passcode_is_not_asked_for() -> None:
    call = RecordedCall()
    run(call, lambda _: ASKED, Known(left=0), Unmetered(), NoVoicemails())
    assert steps(call) == ["announce passcode_locked", "hang up OUTGOING_CALL_BARRED"]


def test_silence_is_a_try_but_no_wrong_passcode() -> None:
    call, known = RecordedCall(entries=("", "", "")), Known()
    run(call, lambda _: ASKED, known, Unmetered(), NoVoicemails())
    assert steps(call)[:3] == ["ask enter_passcode 0", "ask enter_passcode 1", "ask enter_passcode 2"]
    assert (known.seen, known.left) == ([], 5)
    assert steps(call)[-1] == "hang up OUTGOING_CALL_BARRED"


def test_the_next_controller_asks_again_with_the_tries_that_are_left() -> None:
    call = RecordedCall(replace(ARRIVAL, stage=Stage.PASSCODE, tries=2), rings=(Talked(),), entries=("2468",))
    run(call, lambda _: ASKED, Known(), Unmetered(), NoVoicemails())
    assert steps(call) == ["ask enter_passcode_again 2", "ring ring", "hang up NORMAL_CLEARING"]


def test_the_next_controller_does_not_ask_once_the_ring_was_announced() -> None:
    call = RecordedCall(replace(ARRIVAL, stage=Stage.RING), rings=(Talked(),))
    run(call, lambda _: ASKED, NobodyAsks(), Unmetered(), NoVoicemails())
    assert steps(call) == ["ring ring", "hang up NORMAL_CLEARING"]


def test_a_call_that_was_refused_never_rings_whoever_takes_it_over() -> None:
    call = RecordedCall(replace(ARRIVAL, stage=Stage.ANNOUNCE))
    run(call, lambda _: ASKED, NobodyAsks(), Unmetered(), NoVoicemails())
    assert steps(call) == ["hang up NORMAL_CLEARING"]
