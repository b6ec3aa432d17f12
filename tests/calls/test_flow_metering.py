"""Legs that cost something, and what they are granted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bizpbx.calls.call import Talked, Unanswered
from bizpbx.calls.flow import run
from bizpbx.calls.metering import Charged, NotGranted
from bizpbx.calls.voicemail import NoVoicemails
from bizpbx.policy.plan import (
    Announce,
    Cause,
    GatewayTarget,
    HangUp,
    Lease,
    Plan,
    Reason,
    Ring,
    Stage,
)
from bizpbx.policy.prompt import Prompt
from tests.calls.recorded_call import ARRIVAL, DEVICES, FAILED, NobodyAsks, RecordedCall, steps


class Allowance:
    """Grants so many seconds to each leg of 101, and nothing to anybody else."""

    def __init__(self, seconds: int | None) -> None:
        self.seconds = seconds
        self.asked: list[Charged] = []
        self.returned: list[str] = []

    def give_back(self, switch: str, leg: str) -> None:
        self.returned.append(leg)

    def take(self, charged: Charged) -> Lease | NotGranted:
        self.asked.append(charged)
        if self.seconds is None or charged.extension != "101":
            return NotGranted(Reason("allowance-exhausted", "nothing is left"), Prompt.ALLOWANCE_EXHAUSTED)
        return Lease(charged.leg, self.seconds)


PAID = GatewayTarget("carrier.acme.example", "+6561234567", "+6564291310", domain="acme.example", charge="101")
OUTGOING = Plan(
    (Ring(Stage.RING, (PAID,), 120, "+6564291310"), Announce(Stage.ANNOUNCE), HangUp(Stage.END)), (Reason("r", "r"),)
)
FORWARDED = Plan(
    (Ring(Stage.RING, (*DEVICES.targets, replace(PAID, charge="102")), 20, "x"), HangUp(Stage.END)), (), "102"
)


def test_a_leg_that_costs_something_is_dialled_with_a_lease() -> None:
    call, meter = RecordedCall(rings=(Talked(),)), Allowance(600)
    run(call, lambda _: OUTGOING, NobodyAsks(), meter, NoVoicemails())
    asked = meter.asked[0]
    assert (asked.organisation, asked.extension, asked.number) == ("acme.example", "101", "+6561234567")
    assert call.rung[0].targets == (replace(PAID, lease=Lease(asked.leg, 600)),)


@pytest.mark.parametrize(("ended", "returned"), [(FAILED, 1), (Cause.NO_ANSWER, 0)])
def test_what_was_granted_to_a_leg_that_no_gateway_made_is_given_back(ended: Cause | Unanswered, returned: int) -> None:
    call, meter = RecordedCall(rings=(ended,)), Allowance(600)
    run(call, lambda _: OUTGOING, NobodyAsks(), meter, NoVoicemails())
    assert meter.returned == [asked.leg for asked in meter.asked][:returned]


def test_the_next_controller_asks_for_the_same_leg() -> None:
    meter = Allowance(600)
    for arrival in (ARRIVAL, replace(ARRIVAL, stage=Stage.RING)):
        run(RecordedCall(arrival, rings=(Talked(),)), lambda _: OUTGOING, NobodyAsks(), meter, NoVoicemails())
    assert meter.asked[0] == meter.asked[1]


def test_nothing_is_dialled_when_nothing_is_left_and_the_caller_is_told() -> None:
    call = RecordedCall()
    reasons = run(call, lambda _: OUTGOING, NobodyAsks(), Allowance(None), NoVoicemails())
    assert call.done == [
        "note announce None r allowance-exhausted",
        "announce allowance_exhausted",
        "hang up OUTGOING_CALL_BARRED",
    ]
    assert reasons[-1].rule == "allowance-exhausted"


def test_a_forward_that_its_owner_cannot_pay_for_leaves_the_other_targets_ringing() -> None:
    call = RecordedCall(rings=(Cause.NO_ANSWER,))
    run(call, lambda _: FORWARDED, NobodyAsks(), Allowance(600), NoVoicemails())
    assert call.rung[0].targets == DEVICES.targets
    assert call.done[0] == "note ring 102 allowance-exhausted"


def test_a_forward_to_nothing_but_what_its_owner_cannot_pay_for_is_a_call_that_nobody_answered() -> None:
    forwarded = replace(FORWARDED, steps=(Ring(Stage.RING, (replace(PAID, charge="102"),), 20, "x"), HangUp(Stage.END)))
    call = RecordedCall()
    run(call, lambda _: forwarded, NobodyAsks(), Allowance(600), NoVoicemails())
    assert steps(call) == ["hang up NO_ANSWER"]


@pytest.mark.parametrize(("plan", "told"), [(OUTGOING, ["announce allowance_exhausted"]), (FORWARDED, [])])
def test_one_who_called_out_and_was_cut_off_hears_why(plan: Plan, told: list[str]) -> None:
    call = RecordedCall(rings=(Talked(cut=True),))
    run(call, lambda _: plan, NobodyAsks(), Allowance(60), NoVoicemails())
    assert steps(call) == ["ring ring", *told, "hang up NORMAL_CLEARING"]


def test_a_controller_that_comes_after_the_conversation_ends_the_call() -> None:
    call = RecordedCall(replace(ARRIVAL, stage=Stage.RING, finished=True, last=Talked(cut=True)))
    run(call, lambda _: OUTGOING, NobodyAsks(), Allowance(60), NoVoicemails())
    assert call.done == ["announce allowance_exhausted", "hang up NORMAL_CLEARING"]


def test_two_forwards_of_one_line_are_two_legs() -> None:
    paid = Ring(Stage.RING, (replace(PAID, charge="102"),), 20, "x", section=1)
    plan = Plan((paid, replace(paid, section=2), HangUp(Stage.END, section=3)), (), "800")
    meter = Allowance(None)
    run(RecordedCall(), lambda _: plan, NobodyAsks(), meter, NoVoicemails())
    assert len({charged.leg for charged in meter.asked}) == 2
