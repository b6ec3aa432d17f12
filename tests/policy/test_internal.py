"""A device of the organisation dials."""

import pytest

from bizpbx.policy.decide import decide
from bizpbx.policy.plan import Announce, Cause, Stage
from bizpbx.policy.prompt import Prompt
from bizpbx.policy.request import FromDevice, Request
from bizpbx.policy.settings import DeviceKind
from tests.policy.tenant import (
    MAIN,
    device,
    end_of,
    extension,
    from_inside,
    ring_of,
    rules_of,
    shown_to,
    targets_of,
    tenant,
    who_rings,
)

ACME = tenant(extension("100"), extension("101", DeviceKind.IP_PHONE, DeviceKind.MOBILE), extension("102"))


def test_a_key_rings_the_devices_of_that_extension_showing_the_caller_s_key_and_label() -> None:
    plan = from_inside(ACME, "100", "101")

    assert who_rings(plan) == ["101-ip_phone", "101-mobile"]
    assert shown_to(plan, "101-mobile") == "100"
    assert ring_of(plan).caller_name == "Desk 100"
    assert plan.callee == "101"
    assert rules_of(plan) == ["key", "devices", "no-answer-hang-up"]


@pytest.mark.parametrize("dialled", [MAIN, "6564291310", "006564291310", "64291310"])
def test_an_own_did_is_called_inside(dialled: str) -> None:
    plan = from_inside(ACME, "101", dialled)

    assert who_rings(plan) == ["100-ip_phone"]
    assert shown_to(plan, "100-ip_phone") == "101"


def test_an_own_did_is_called_inside_without_an_outbound_rule() -> None:
    acme = tenant(extension("100"), extension("101", rule=None))

    assert who_rings(from_inside(acme, "101", MAIN)) == ["100-ip_phone"]


@pytest.mark.parametrize("dialled", ["100", MAIN])
def test_who_calls_the_own_key_gets_busy(dialled: str) -> None:
    plan = from_inside(ACME, "100", dialled)

    assert targets_of(plan) == []
    assert end_of(plan).cause is Cause.USER_BUSY
    assert rules_of(plan)[-1] == "own-key"


@pytest.mark.parametrize("dialled", ["199", "10", "123456"])
def test_an_unknown_key_is_unallocated_and_the_caller_is_told(dialled: str) -> None:
    plan = from_inside(ACME, "100", dialled)

    assert plan.steps[:-1] == (Announce(Stage.ANNOUNCE, Prompt.NOT_IN_SERVICE),)
    assert end_of(plan).cause is Cause.UNALLOCATED_NUMBER
    assert rules_of(plan) == ["key-unknown"]


def test_an_own_did_that_leads_nowhere_inside_is_unallocated() -> None:
    plan = from_inside(tenant(extension("100"), numbers={MAIN: "700"}), "100", MAIN)

    assert plan.steps[:-1] == (Announce(Stage.ANNOUNCE, Prompt.NOT_IN_SERVICE),)
    assert end_of(plan).cause is Cause.UNALLOCATED_NUMBER


@pytest.mark.parametrize(
    "dialled", ["", "ann", "1", "10*1", "100\n", "１００", "${100}", "100@evil.example", "00#", "9" * 999]
)
def test_garbage_is_an_invalid_number(dialled: str) -> None:
    plan = from_inside(ACME, "100", dialled)

    assert targets_of(plan) == []
    assert end_of(plan).cause is Cause.INVALID_NUMBER_FORMAT


@pytest.mark.parametrize(("lacks", "rule"), [("active", "device-inactive"), ("licensed", "device-unlicensed")])
@pytest.mark.parametrize("dialled", ["101", "+6581112222", MAIN])
def test_an_unusable_device_does_not_call_even_if_the_switch_let_it_in(lacks: str, rule: str, dialled: str) -> None:
    phone = device("100", DeviceKind.IP_PHONE, **{lacks: False})
    acme = tenant(extension("100", devices=(phone,)), extension("101"))

    plan = from_inside(acme, "100", dialled)

    assert targets_of(plan) == []
    assert end_of(plan).cause is Cause.CALL_REJECTED
    assert rules_of(plan) == [rule]


@pytest.mark.parametrize("dialled", ["101", "+6581112222", MAIN])
def test_a_device_that_requires_tls_does_not_call_without_it(dialled: str) -> None:
    phone = device("100", DeviceKind.IP_PHONE, tls=True)
    acme = tenant(extension("100", devices=(phone,)), extension("101"))

    refused = decide(Request(FromDevice("100-ip_phone", secure=False), dialled), acme)

    assert targets_of(refused) == []
    assert end_of(refused).cause is Cause.CALL_REJECTED
    assert rules_of(refused) == ["device-not-secure"]
    assert "device-not-secure" not in rules_of(decide(Request(FromDevice("100-ip_phone", secure=True), dialled), acme))


def test_tls_that_is_not_required_does_no_harm() -> None:
    called = decide(Request(FromDevice("100-ip_phone", secure=True), "101"), ACME)

    assert called == from_inside(ACME, "100", "101")


@pytest.mark.parametrize(
    "sip_user", ["", "100", "100-", "100-fax", "199-ip_phone", "-ip_phone", "101-ip_phone-x", "x" * 999]
)
def test_a_device_of_no_extension_is_rejected(sip_user: str) -> None:
    plan = decide(Request(FromDevice(sip_user), "101"), ACME)

    assert end_of(plan).cause is Cause.CALL_REJECTED
    assert rules_of(plan) == ["device-unknown"]


def test_a_device_that_does_not_ring_may_call() -> None:
    quiet = extension("100", devices=(device("100", DeviceKind.DESKTOP, rings=False),))

    assert who_rings(from_inside(tenant(quiet, extension("101")), "100", "101", DeviceKind.DESKTOP)) == ["101-ip_phone"]
