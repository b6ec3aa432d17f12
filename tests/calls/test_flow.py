"""A plan carried out step by step, from the start and from wherever an earlier controller left the call."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bizpbx.calls.call import Arrival, CallGone
from bizpbx.calls.flow import run
from bizpbx.policy.plan import Cause, DeviceTarget, GatewayTarget, HangUp, Plan, Reason, Ring, Stage
from bizpbx.policy.request import FromDevice, Request
from bizpbx.policy.settings import DeviceKind

DEVICES = Ring(
    Stage.RING,
    (DeviceTarget("100", DeviceKind.IP_PHONE, "100-ip_phone", "acme.example", "101"),),
    timeout=20,
    caller_name="Sales",
)
MOBILE = Ring(Stage.NO_ANSWER, (GatewayTarget("carrier.acme.example", "+6591234567", "+6564291310"),), 30, "Sales")
PLAN = Plan((DEVICES, MOBILE, HangUp(Stage.END)), (Reason("devices", "100 rings"),), "100")
ARRIVAL = Arrival("leg", "acme.example", "127.0.0.1:5060", Request(FromDevice("101-ip_phone"), "100"))


class RecordedCall:
    """A call whose rings end as they are told to; it remembers what was asked of it, in order."""

    def __init__(self, arrival: Arrival = ARRIVAL, rings: tuple[Cause | None, ...] = (), gone: bool = False) -> None:
        self.arrival = arrival
        self.done: list[str] = []
        self._rings = iter(rings)
        self._gone = gone

    def note(self, stage: Stage, reasons: tuple[Reason, ...], callee: str | None) -> None:
        self.done.append(f"note {stage} {callee} {' '.join(reason.rule for reason in reasons)}")

    def ring(self, ring: Ring) -> Cause | None:
        if self._gone:
            raise CallGone
        self.done.append(f"ring {ring.stage}")
        return next(self._rings)

    def hang_up(self, cause: Cause) -> None:
        self.done.append(f"hang up {cause}")


def test_an_answered_ring_ends_the_plan() -> None:
    call = RecordedCall(rings=(None,))
    run(call, lambda _: PLAN)
    assert call.done == ["note ring 100 devices", "ring ring"]


def test_nobody_answers_and_the_next_step_follows_until_the_caller_hears_how_the_last_ring_ended() -> None:
    call = RecordedCall(rings=(Cause.NO_ANSWER, Cause.USER_BUSY))
    run(call, lambda _: PLAN)
    assert [line for line in call.done if not line.startswith("note")] == [
        "ring ring",
        "ring no_answer",
        "hang up USER_BUSY",
    ]


def test_each_step_is_noted_on_the_channel_before_it_is_carried_out() -> None:
    call = RecordedCall(rings=(Cause.NO_ANSWER, Cause.NO_ANSWER))
    run(call, lambda _: PLAN)
    assert [line.split()[0] for line in call.done] == ["note", "ring", "note", "ring", "note", "hang"]


def test_a_cause_of_the_plan_beats_the_one_of_the_ring() -> None:
    call = RecordedCall(rings=(Cause.NO_ANSWER,))
    run(call, lambda _: Plan((DEVICES, HangUp(Stage.END, Cause.CALL_REJECTED)), ()))
    assert call.done[-1] == "hang up CALL_REJECTED"


def test_a_ring_that_ended_under_an_earlier_controller_is_not_repeated() -> None:
    arrival = replace(ARRIVAL, stage=Stage.RING, ring_finished=True, last_cause=Cause.NO_ANSWER)
    call = RecordedCall(arrival, rings=(Cause.USER_BUSY,))
    run(call, lambda _: PLAN)
    assert call.done[:2] == ["note no_answer 100 devices", "ring no_answer"]


def test_a_ring_that_an_earlier_controller_announced_but_never_asked_for_is_made_now() -> None:
    call = RecordedCall(replace(ARRIVAL, stage=Stage.RING, ring_finished=False), rings=(None,))
    run(call, lambda _: PLAN)
    assert call.done == ["note ring 100 devices", "ring ring"]


def test_a_resumed_call_with_nothing_left_but_the_end_gets_the_cause_of_the_earlier_ring() -> None:
    arrival = replace(ARRIVAL, stage=Stage.NO_ANSWER, ring_finished=True, last_cause=Cause.USER_BUSY)
    call = RecordedCall(arrival)
    run(call, lambda _: PLAN)
    assert call.done == ["note end 100 devices", "hang up USER_BUSY"]


def test_a_caller_who_hangs_up_ends_the_flow_at_once() -> None:
    call = RecordedCall(gone=True)
    with pytest.raises(CallGone):
        run(call, lambda _: PLAN)
    assert call.done == ["note ring 100 devices"]
