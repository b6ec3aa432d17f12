"""Emergency numbers of the home country, from every state."""

from dataclasses import replace

import pytest

from bizpbx.policy.decide import decide
from bizpbx.policy.emergency import emergency_number
from bizpbx.policy.plan import Cause
from bizpbx.policy.request import FromDevice, Request
from bizpbx.policy.settings import DeviceKind, DialPlanEntry, Extension, Gateway
from tests.policy.tenant import (
    MAIN,
    STANDARD,
    device,
    end_of,
    extension,
    from_inside,
    gateway_targets,
    rules_of,
    shown_to,
    targets_of,
    tenant,
    who_rings,
)


@pytest.mark.parametrize(
    ("country", "numbers"),
    [
        ("SG", ["995", "999", "993"]),
        ("US", ["911", "112"]),
        ("GB", ["999", "112"]),
        ("DE", ["110", "112"]),
        ("VN", ["113", "114", "115"]),
        ("AU", ["000", "112"]),
    ],
)
def test_the_emergency_numbers_of_the_home_country_leave_through_the_trunk(country: str, numbers: list[str]) -> None:
    acme = tenant(extension("100", rule=None), country=country)

    for number in numbers:
        plan = from_inside(acme, "100", number)
        assert who_rings(plan) == [number]
        assert gateway_targets(plan)[0].gateway == "carrier.acme.example"
        assert rules_of(plan) == ["emergency"]


@pytest.mark.parametrize("dialled", ["9999", "99", "+999", "00999", "９９９", "999#", "911", ""])
def test_other_numbers_are_no_emergency_numbers(dialled: str) -> None:
    assert emergency_number(dialled, "SG") is None


@pytest.mark.parametrize(
    ("dialled", "country", "number"),
    [
        ("+65995", "SG", "995"),
        ("0065995", "SG", "995"),
        ("+65 9-9-5", "SG", "995"),
        ("+1911", "US", "911"),
        ("+49112", "DE", "112"),
    ],
)
def test_a_phone_may_put_the_country_code_before_it(dialled: str, country: str, number: str) -> None:
    assert emergency_number(dialled, country) == number


@pytest.mark.parametrize("dialled", ["65995", "+6599", "+659951", "+66995", "+6565995", "+1911", "++65995"])
def test_another_country_s_code_or_none_makes_no_emergency_number(dialled: str) -> None:
    assert emergency_number(dialled, "SG") is None


def test_a_dial_plan_may_make_one_of_a_digit_for_an_outside_line() -> None:
    rule = replace(STANDARD, dial_plan=(DialPlanEntry(("0",), 4, strip=1), *STANDARD.dial_plan), countries=())
    unlicensed = (device("101", DeviceKind.IP_PHONE, licensed=False),)
    acme = tenant(extension("100", rule=rule), extension("101", rule=rule, devices=unlicensed), extension("0999"))

    for key in ("100", "101"):
        plan = from_inside(acme, key, "0995")
        assert who_rings(plan) == ["995"]
        assert rules_of(plan) == ["emergency"]
    assert who_rings(from_inside(acme, "100", "0999")) == ["0999-ip_phone"]  # a key is a key
    assert targets_of(from_inside(tenant(extension("100")), "100", "0995")) == []


@pytest.mark.parametrize("country", ["", "ZZ", "XX"])
def test_a_country_without_a_plan_has_no_emergency_numbers(country: str) -> None:
    assert emergency_number("999", country) is None


@pytest.mark.parametrize(
    "caller",
    [
        extension("100", rule=None),
        extension("100", devices=(device("100", DeviceKind.IP_PHONE, active=False),)),
        extension("100", devices=(device("100", DeviceKind.IP_PHONE, licensed=False),)),
        extension("100", devices=()),
        extension("100", do_not_disturb=True),
        extension("999"),
    ],
)
def test_no_state_bars_an_emergency_call(caller: Extension) -> None:
    assert who_rings(from_inside(tenant(caller, extension("999")), caller.key, "999")) == ["999"]


def test_a_device_of_no_extension_calls_with_the_main_number() -> None:
    plan = decide(Request(FromDevice("gone"), "995"), tenant())

    assert shown_to(plan, "995") == "+6564291310"


def test_the_number_shown_is_the_extension_s_else_the_organisation_s() -> None:
    own = from_inside(tenant(extension("100", caller_id="+6564291399")), "100", "995")
    main = from_inside(tenant(extension("100")), "100", "995")
    none = from_inside(tenant(extension("100"), main_number=None), "100", "995")

    assert shown_to(own, "995") == "+6564291399"
    assert shown_to(main, "995") == "+6564291310"
    assert shown_to(none, "995") == "anonymous"


def test_a_number_that_leads_nowhere_is_not_one_that_can_be_called_back() -> None:
    nowhere, other = "+6564291398", "+6564291399"
    acme = tenant(extension("100", caller_id=nowhere), numbers={MAIN: "100", nowhere: None})
    lost = tenant(extension("100", caller_id=nowhere), numbers={MAIN: None, nowhere: None})
    led = tenant(extension("100", caller_id=other), numbers={MAIN: "100", other: "100"})

    assert shown_to(from_inside(acme, "100", "995"), "995") == MAIN
    assert shown_to(from_inside(lost, "100", "995"), "995") == nowhere
    assert shown_to(from_inside(led, "100", "995"), "995") == other


def test_without_a_trunk_the_rule_s_gateway_is_used_and_without_that_the_call_fails() -> None:
    other = from_inside(tenant(extension("100"), trunks=()), "100", "995")
    nothing = from_inside(tenant(extension("100", rule=None), trunks=()), "100", "995")

    assert who_rings(other) == ["995"]
    assert end_of(nothing).cause is Cause.NORMAL_TEMPORARY_FAILURE
    assert rules_of(nothing) == ["emergency-no-trunk"]


def test_the_trunk_comes_before_the_rule_s_gateway() -> None:
    first = Gateway("first", "first.acme.example", "192.0.2.3", trunk=True)

    plan = from_inside(tenant(extension("100"), trunks=(first,)), "100", "995")

    assert gateway_targets(plan)[0].gateway == "first.acme.example"
