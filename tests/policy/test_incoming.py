"""Calls to an extension, in the order of product §4."""

from dataclasses import replace

import pytest

from bizpbx.policy.plan import Cause, Stage
from bizpbx.policy.settings import DeviceKind, ExtensionType, Gateway, NoAnswer
from tests.policy.tenant import (
    MAIN,
    device,
    end_of,
    extension,
    forward_to,
    forwarding,
    from_inside,
    from_outside,
    gateway_targets,
    ring_of,
    rules_of,
    shown_to,
    targets_of,
    tenant,
    who_rings,
)

PBX = Gateway("branch", "branch.acme.example", "192.0.2.9")
ACCOUNT = Gateway("branch", "branch.acme.example", "192.0.2.9", username="acme-77")


# 1. gateway mapped


def test_a_gateway_mapped_extension_sends_all_its_calls_to_that_account() -> None:
    acme = tenant(
        extension("100", gateway=ACCOUNT, do_not_disturb=True, forwarding=forwarding("101")), extension("101")
    )

    plan = from_outside(acme, "+6591112222")

    assert who_rings(plan) == ["acme-77"]
    assert gateway_targets(plan)[0].gateway == "branch.acme.example"
    assert shown_to(plan, "acme-77") == "+6591112222"
    assert rules_of(plan) == ["did", "gateway-mapped", "no-answer-hang-up"]


def test_a_gateway_without_an_account_is_asked_for_what_was_called() -> None:
    acme = tenant(extension("100", gateway=PBX), extension("101"))

    assert who_rings(from_outside(acme, "+6591112222")) == [MAIN]
    assert who_rings(from_inside(acme, "101", "100")) == ["100"]


def test_a_carrier_that_is_asked_for_a_did_is_told_so_and_not_asked_again_when_the_call_comes_back() -> None:
    acme = tenant(extension("100", gateway=replace(PBX, trunk=True)), extension("101"))

    first = from_outside(acme, "+6591112222")
    back = from_outside(acme, "+6591112222", diverted_by=(MAIN,))

    assert who_rings(first) == [MAIN]
    assert ring_of(first).diverted_by == MAIN
    assert who_rings(back) == []
    assert rules_of(back) == ["did", "loop", "no-answer-hang-up"]
    # A PBX has the number, and what it diverts is its own affair.
    pbx = tenant(extension("100", gateway=PBX), extension("101"))
    assert who_rings(from_outside(pbx, "+6591112222", diverted_by=(MAIN,))) == [MAIN]


def test_an_account_name_that_cannot_stand_in_a_dial_string_is_not_used() -> None:
    odd = Gateway("branch", "branch.acme.example", "192.0.2.9", username="acme@77,x")

    assert who_rings(from_outside(tenant(extension("100", gateway=odd)), None)) == [MAIN]


def test_an_unanswered_gateway_goes_on_to_no_answer() -> None:
    plan = from_outside(
        tenant(extension("100", gateway=ACCOUNT, no_answer=forward_to("+6581112222", 15))), "+6591112222"
    )

    assert ring_of(plan).timeout == 15
    assert who_rings(plan, Stage.NO_ANSWER) == ["+6581112222"]


# 2. do not disturb


@pytest.mark.parametrize("no_answer", [NoAnswer(), forward_to("+6581112222")])
@pytest.mark.parametrize("forwards", [forwarding("101"), forwarding("101", vip=("+6591112222",))])
def test_do_not_disturb_neither_rings_nor_forwards_and_the_caller_gets_busy(
    no_answer: NoAnswer, forwards: object
) -> None:
    acme = tenant(extension("100", do_not_disturb=True, no_answer=no_answer, forwarding=forwards), extension("101"))

    plan = from_outside(acme, "+6591112222")

    assert targets_of(plan) == []
    assert end_of(plan).cause is Cause.USER_BUSY
    assert rules_of(plan) == ["did", "do-not-disturb"]


# 3. forwarding is in test_forwarding.py and test_worked_example.py; 4. devices


def test_all_usable_devices_that_are_chosen_ring_together() -> None:
    acme = tenant(extension("100", *DeviceKind))

    plan = from_outside(acme, "+6591112222", name="Ann")

    assert who_rings(plan) == ["100-ip_phone", "100-mobile", "100-desktop"]
    assert ring_of(plan).caller_name == "Ann"
    assert ring_of(plan).timeout == 30
    assert {shown_to(plan, name) for name in who_rings(plan)} == {"+6591112222"}


@pytest.mark.parametrize("lacks", ["active", "licensed", "rings"])
def test_a_device_that_is_not_activated_licensed_and_chosen_does_not_ring(lacks: str) -> None:
    devices = (device("100", DeviceKind.IP_PHONE, **{lacks: False}), device("100", DeviceKind.MOBILE))

    assert who_rings(from_outside(tenant(extension("100", devices=devices)), "+6591112222")) == ["100-mobile"]


def test_without_a_usable_device_no_answer_runs_at_once() -> None:
    nobody = from_outside(tenant(extension("100", devices=())), "+6591112222")
    onward = from_outside(tenant(extension("100", devices=(), no_answer=forward_to("+6581112222"))), "+6591112222")

    assert targets_of(nobody) == []
    assert end_of(nobody).cause is Cause.USER_NOT_REGISTERED
    assert who_rings(onward) == []
    assert who_rings(onward, Stage.NO_ANSWER) == ["+6581112222"]


def test_srtp_is_asked_of_devices_that_use_tls_only() -> None:
    devices = (device("100", DeviceKind.IP_PHONE, tls=True), device("100", DeviceKind.MOBILE))
    plan = from_outside(tenant(extension("100", devices=devices)), None)

    assert [getattr(target, "tls", None) for target in targets_of(plan)] == [True, False]


# Who may be called from outside


@pytest.mark.parametrize("dialled", [MAIN, "6564291310", "006564291310", "64291310", "+65 6429 1310"])
def test_a_did_is_found_however_the_carrier_writes_it(dialled: str) -> None:
    assert who_rings(from_outside(tenant(extension("100")), "+6591112222", dialled)) == ["100-ip_phone"]


@pytest.mark.parametrize("dialled", ["100", "+6561112222", "995", "999", "+84938812345", "0"])
def test_from_outside_only_dids_are_reached(dialled: str) -> None:
    plan = from_outside(tenant(extension("100")), "+6591112222", dialled)

    assert targets_of(plan) == []
    assert end_of(plan).cause is Cause.UNALLOCATED_NUMBER
    assert rules_of(plan) == ["did-unknown"]


def test_a_did_that_leads_to_no_extension_is_unallocated() -> None:
    plan = from_outside(tenant(extension("100"), numbers={MAIN: "700"}), "+6591112222")

    assert end_of(plan).cause is Cause.UNALLOCATED_NUMBER


@pytest.mark.parametrize("dialled", ["", "sales", "${x}", "６４２９１３１０", "6429\n1310", "00#", "6" * 5000])
def test_garbage_is_an_invalid_number(dialled: str) -> None:
    plan = from_outside(tenant(extension("100")), "+6591112222", dialled)

    assert end_of(plan).cause is Cause.INVALID_NUMBER_FORMAT


# Call-centre extensions


def test_a_call_centre_extension_has_no_no_answer_settings_and_hangs_up_after_30_s() -> None:
    queue = extension("100", type=ExtensionType.CALL_CENTER, no_answer=forward_to("+6581112222", 10))

    plan = from_outside(tenant(queue), "+6591112222")

    assert ring_of(plan).timeout == 30
    assert [step.stage for step in plan.steps] == [Stage.RING, Stage.END]
    assert rules_of(plan)[-1] == "no-answer-call-center"
