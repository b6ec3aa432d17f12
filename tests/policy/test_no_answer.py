"""What follows a ring that nobody answered (product §7)."""

import pytest

from bizpbx.policy.plan import HangUp, Stage
from bizpbx.policy.settings import NoAnswer, NoAnswerAction
from tests.policy.tenant import (
    MAIN,
    end_of,
    extension,
    forward_to,
    forwarding,
    from_inside,
    from_outside,
    ring_of,
    rules_of,
    shown_to,
    tenant,
    who_rings,
)

MOBILE = "+6581112222"
OTHER_DID = "+6564291311"


@pytest.mark.parametrize(("setting", "seconds"), [(5, 5), (20, 20), (60, 60), (0, 5), (900, 60)])
def test_the_wait_is_the_ring_time(setting: int, seconds: int) -> None:
    plan = from_outside(tenant(extension("100", no_answer=NoAnswer(wait=setting))), None)

    assert ring_of(plan).timeout == seconds


def test_hang_up_ends_with_the_cause_of_the_ring() -> None:
    plan = from_outside(tenant(extension("100")), None)

    assert plan.steps[1:] == (HangUp(Stage.END, None),)


def test_forward_rings_the_number_as_a_call_of_the_owner() -> None:
    plan = from_outside(tenant(extension("100", no_answer=forward_to(MOBILE), caller_id="+6564291399")), "+6591112222")

    assert [step.stage for step in plan.steps] == [Stage.RING, Stage.NO_ANSWER, Stage.END]
    assert who_rings(plan, Stage.NO_ANSWER) == [MOBILE]
    assert shown_to(plan, MOBILE) == "+6564291399"
    assert ring_of(plan, Stage.NO_ANSWER).diverted_by == "+6564291399"


@pytest.mark.parametrize("number", ["+60123456789", "+93701234567", "12", "junk"])
def test_a_forward_that_is_refused_hangs_up(number: str) -> None:
    plan = from_outside(tenant(extension("100", no_answer=forward_to(number))), None)

    assert [step.stage for step in plan.steps] == [Stage.RING, Stage.END]
    assert rules_of(plan)[-1] == "forward-nobody"


def test_a_forward_without_a_number_hangs_up() -> None:
    plan = from_outside(tenant(extension("100", no_answer=NoAnswer(NoAnswerAction.FORWARD))), None)

    assert end_of(plan) == plan.steps[1]


def test_no_answer_is_never_chained() -> None:
    acme = tenant(
        extension("100", no_answer=forward_to(OTHER_DID)),
        extension("101", no_answer=forward_to(MOBILE), forwarding=forwarding("102")),
        extension("102"),
        numbers={MAIN: "100", OTHER_DID: "101"},
    )

    plan = from_outside(acme, None)

    assert who_rings(plan, Stage.NO_ANSWER) == ["101-ip_phone"]
    assert len(plan.steps) == 3


def test_what_rang_already_does_not_ring_again() -> None:
    again = extension("100", forwarding=forwarding("101", number=MOBILE), no_answer=forward_to(MOBILE))
    did = extension("100", forwarding=forwarding("101"), no_answer=forward_to(OTHER_DID))
    numbers = {MAIN: "100", OTHER_DID: "101"}

    for boss in (again, did):
        plan = from_outside(tenant(boss, extension("101"), numbers=numbers), None)
        assert [step.stage for step in plan.steps] == [Stage.RING, Stage.END]
        assert "target-rang" in rules_of(plan)


def test_the_caller_s_own_extension_is_not_rung_by_no_answer() -> None:
    acme = tenant(
        extension("100", no_answer=forward_to(OTHER_DID)), extension("101"), numbers={MAIN: "100", OTHER_DID: "101"}
    )

    assert who_rings(from_inside(acme, "101", "100"), Stage.NO_ANSWER) == []
