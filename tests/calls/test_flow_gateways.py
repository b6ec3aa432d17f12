"""A call that goes on through the next gateway."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bizpbx.calls.call import Arrival, Talked, Unanswered
from bizpbx.calls.flow import run
from bizpbx.calls.metering import Unmetered
from bizpbx.calls.voicemail import NoVoicemails
from bizpbx.policy.plan import (
    Announce,
    Cause,
    GatewayTarget,
    HangUp,
    Plan,
    Ring,
    Stage,
)
from tests.calls.recorded_call import ARRIVAL, FAILED, NobodyAsks, RecordedCall, steps


def through(gateway: str, attempt: int, insists: bool = False) -> Ring:
    target = GatewayTarget(f"{gateway}.acme.example", "+6561234567", "+6564291310")
    return Ring(Stage.RING, (target,), 30, "Sales", attempt=attempt, insists=insists)


GATEWAYS = Plan(
    (
        through("carrier", 0),
        through("second", 1),
        through("third", 2),
        Announce(Stage.ANNOUNCE),
        HangUp(Stage.END),
    ),
    (),
)


def test_the_next_gateway_is_tried_while_it_is_the_gateway_that_fails() -> None:
    call = RecordedCall(rings=(FAILED, FAILED, Talked()))
    reasons = run(call, lambda _: GATEWAYS, NobodyAsks(), Unmetered(), NoVoicemails())
    assert steps(call) == ["ring ring", "ring ring 1 26 s", "ring ring 2 22 s", "hang up NORMAL_CLEARING"]
    assert [line for line in call.done if line.startswith("note")] == [
        "note ring None ",
        "note ring 1 None gateway-failed",
        "note ring 2 None gateway-failed gateway-failed",
    ]
    assert [reason.text for reason in reasons] == [
        "the gateway before it failed: the call goes on through second.acme.example",
        "the gateway before it failed: the call goes on through third.acme.example",
    ]


def test_all_gateways_failed_and_the_caller_is_told_that_all_lines_are_busy() -> None:
    call = RecordedCall(rings=(FAILED, FAILED, FAILED))
    run(call, lambda _: GATEWAYS, NobodyAsks(), Unmetered(), NoVoicemails())
    assert steps(call)[3:] == ["announce lines_busy", "hang up NORMAL_TEMPORARY_FAILURE"]


@pytest.mark.parametrize("cause", [Cause.USER_BUSY, Cause.CALL_REJECTED, Cause.NO_ANSWER, Cause.UNALLOCATED_NUMBER])
def test_what_the_called_one_says_ends_the_call_at_any_gateway(cause: Cause) -> None:
    first, second = RecordedCall(rings=(cause,)), RecordedCall(rings=(FAILED, cause))
    for call in (first, second):
        run(call, lambda _: GATEWAYS, NobodyAsks(), Unmetered(), NoVoicemails())
    assert [line for line in steps(first) if line.startswith("ring")] == ["ring ring"]
    assert [line for line in steps(second) if line.startswith("ring")] == ["ring ring", "ring ring 1 26 s"]


def test_a_gateway_that_used_up_the_time_leaves_the_next_one_a_moment() -> None:
    slow = replace(FAILED, seconds=29)
    call = RecordedCall(rings=(slow, Talked()))
    run(call, lambda _: GATEWAYS, NobodyAsks(), Unmetered(), NoVoicemails())
    assert steps(call)[1] == "ring ring 1 5 s"


@pytest.mark.parametrize(
    ("arrival", "resumed"),
    [
        (replace(ARRIVAL, stage=Stage.RING, finished=True, last=FAILED), ["ring ring 1 30 s"]),
        (replace(ARRIVAL, stage=Stage.RING, attempt=1), ["ring ring 1 30 s"]),
        (replace(ARRIVAL, stage=Stage.RING, attempt=1, finished=True, last=FAILED), ["ring ring 2 30 s"]),
        (
            replace(ARRIVAL, stage=Stage.RING, attempt=1, finished=True, last=Unanswered(Cause.USER_BUSY)),
            ["hang up USER_BUSY"],
        ),
    ],
    ids=["the first one failed", "the second one was not asked yet", "the second one failed", "the second one is busy"],
)
def test_a_controller_that_died_between_the_gateways_leaves_the_call_to_the_right_one(
    arrival: Arrival, resumed: list[str]
) -> None:
    call = RecordedCall(arrival, rings=(Talked(),))
    run(call, lambda _: GATEWAYS, NobodyAsks(), Unmetered(), NoVoicemails())
    assert steps(call)[0] == resumed[0]
    assert steps(call)[-1].startswith("hang up")


@pytest.mark.parametrize(
    ("ended", "rings"),
    [(Cause.CALL_REJECTED, 2), (Cause.UNALLOCATED_NUMBER, 2), (Cause.USER_BUSY, 1), (Cause.NO_ANSWER, 1)],
)
def test_an_emergency_call_is_tried_again_after_any_refusal(ended: Cause, rings: int) -> None:
    plan = Plan((through("first", 0, True), through("second", 1, True), HangUp(Stage.END)), ())
    call = RecordedCall(rings=(ended, Cause.NO_ANSWER))
    run(call, lambda _: plan, NobodyAsks(), Unmetered(), NoVoicemails())
    assert sum(line.startswith("ring") for line in steps(call)) == rings
