"""A code is keyed in: a number is asked for, decided on, and only then is anything done to the conversation."""

from __future__ import annotations

import pytest

from bizpbx.calls.call import Arrival, CallGone
from bizpbx.calls.transfer import transfer
from bizpbx.policy.plan import Announce, Cause, DeviceTarget, HangUp, Plan, Reason, Ring, Stage
from bizpbx.policy.prompt import Prompt
from bizpbx.policy.request import FromTransfer, FromTrunk, Request
from bizpbx.policy.settings import DeviceKind

ARRIVAL = Arrival(
    "other", "acme.example", "", Request(FromTransfer("101-ip_phone", FromTrunk("+6531234567")), "102"), transfers=1
)
DEVICE = DeviceTarget("102", DeviceKind.IP_PHONE, "102-ip_phone", "acme.example", "101")
RINGS = Plan((Ring(Stage.RING, (DEVICE,), 20, "Sales"), HangUp(Stage.END)), (Reason("key", "101 dials the key 102"),))
BACK_ONLY = Plan((Ring(Stage.BACK, (DEVICE,), 20, "Sales"), HangUp(Stage.END)), ())


class RecordedTalk:
    """Remembers what was done, in order."""

    def __init__(self, number: str = "102", there: bool = True, leaves: bool = True, gone: bool = False) -> None:
        self.steps: list[str] = []
        self._number, self._there, self._leaves, self._gone = number, there, leaves, gone

    def ask_number(self) -> str:
        if self._gone:
            raise CallGone
        self.steps.append("ask")
        return self._number

    def arrival(self, number: str) -> Arrival | None:
        return ARRIVAL if self._there else None

    def announce(self, prompt: Prompt) -> None:
        self.steps.append(f"announce {prompt}")

    def send_on(self, number: str) -> bool:
        self.steps.append(f"send on to {number}")
        return self._leaves

    def done(self) -> None:
        self.steps.append("done")


def decided(plan: Plan, asked: list[Arrival] | None = None):  # type: ignore[no-untyped-def]  # a closure
    def decide(arrival: Arrival) -> Plan:
        if asked is not None:
            asked.append(arrival)
        return plan

    return decide


def test_the_other_side_is_sent_on_once_it_is_decided() -> None:
    talk, asked = RecordedTalk(), list[Arrival]()
    assert [reason.rule for reason in transfer(talk, decided(RINGS, asked))] == ["key"]
    assert talk.steps == ["ask", "send on to 102", "done"]
    assert asked == [ARRIVAL]


@pytest.mark.parametrize(
    ("plan", "prompt"),
    [
        (Plan((HangUp(Stage.END, Cause.USER_BUSY),), ()), Prompt.NOT_TRANSFERRED),
        (Plan((HangUp(Stage.END, Cause.OUTGOING_CALL_BARRED),), ()), Prompt.NOT_ALLOWED),
        (
            Plan((Announce(Stage.ANNOUNCE), HangUp(Stage.END, Cause.UNALLOCATED_NUMBER)), ()),
            Prompt.NOT_IN_SERVICE,
        ),
        (BACK_ONLY, Prompt.NOT_TRANSFERRED),
    ],
    ids=["busy", "barred", "unknown", "nobody but who transfers"],
)
def test_what_is_refused_is_told_and_nothing_is_done(plan: Plan, prompt: Prompt) -> None:
    talk = RecordedTalk()
    transfer(talk, decided(plan))
    assert talk.steps == ["ask", f"announce {prompt}", "done"]


def test_who_keys_nothing_in_hears_nothing() -> None:
    talk, asked = RecordedTalk(number=""), list[Arrival]()
    assert transfer(talk, decided(RINGS, asked)) == ()
    assert (talk.steps, asked) == (["ask", "done"], [])


def test_nobody_is_sent_on_who_is_not_there() -> None:
    for talk in (RecordedTalk(there=False), RecordedTalk(leaves=False)):
        transfer(talk, decided(RINGS))
        assert talk.steps[-2:] == [f"announce {Prompt.NOT_TRANSFERRED}", "done"]


def test_a_conversation_that_ends_meanwhile_is_left() -> None:
    with pytest.raises(CallGone):
        transfer(RecordedTalk(gone=True), decided(RINGS))
