"""Forwarding (product §4.3): to a number and extensions together, one hop, never in a loop."""

import pytest

from bizpbx.policy.plan import Cause, Stage
from bizpbx.policy.settings import CountryAccess, DeviceKind, Extension, OnForward, OutboundRule
from tests.policy.tenant import (
    CARRIER,
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
    targets_of,
    tenant,
    who_rings,
)

MOBILE = "+6581112222"
OTHER_DID = "+6564291311"
DIDS = {MAIN: "100", OTHER_DID: "101"}


def boss(*keys: str, number: str | None = None, vip: tuple[str, ...] = (), **settings: object) -> Extension:
    """Extension 100, which forwards."""
    return extension("100", forwarding=forwarding(*keys, number=number, vip=vip), **settings)


def test_a_number_and_extensions_ring_together_and_the_own_devices_stay_silent() -> None:
    plan = from_outside(tenant(boss("101", "102", number=MOBILE), extension("101"), extension("102")), "+6591112222")

    assert who_rings(plan) == ["101-ip_phone", "102-ip_phone", MOBILE]
    assert gateway_targets(plan)[0].gateway == "carrier.acme.example"


def test_nobody_answers_a_forward_then_the_original_extension_s_no_answer_runs() -> None:
    acme = tenant(
        boss("101", no_answer=forward_to(MOBILE, 25)), extension("101", no_answer=forward_to("+6583334444", 5))
    )

    plan = from_outside(acme, "+6591112222")

    assert ring_of(plan).timeout == 25
    assert who_rings(plan, Stage.NO_ANSWER) == [MOBILE]


# Targets ring their own devices only


def test_targets_do_not_forward_again() -> None:
    acme = tenant(boss("101"), extension("101", forwarding=forwarding("102")), extension("102"))

    assert who_rings(from_outside(acme, None)) == ["101-ip_phone"]


def test_targets_ring_their_devices_even_if_they_are_gateway_mapped() -> None:
    acme = tenant(boss("101"), extension("101", gateway=CARRIER))

    assert who_rings(from_outside(acme, None)) == ["101-ip_phone"]


def test_a_target_on_do_not_disturb_is_skipped() -> None:
    plan = from_outside(tenant(boss("101", "102"), extension("101", do_not_disturb=True), extension("102")), None)

    assert who_rings(plan) == ["102-ip_phone"]
    assert "target-do-not-disturb" in rules_of(plan)


def test_targets_that_are_gone_or_have_no_usable_device_are_skipped() -> None:
    dead = extension("101", devices=(device("101", DeviceKind.IP_PHONE, licensed=False),))
    plan = from_outside(tenant(boss("101", "199", "102"), dead, extension("102")), None)

    assert who_rings(plan) == ["102-ip_phone"]
    assert [rule for rule in rules_of(plan) if rule.startswith("target")] == ["target-no-device", "target-unknown"]


def test_an_extension_that_is_listed_twice_rings_once() -> None:
    acme = tenant(boss("101", "101", number=OTHER_DID), extension("101"), numbers=DIDS)

    assert who_rings(from_outside(acme, None)) == ["101-ip_phone"]


def test_with_nobody_left_the_call_goes_straight_to_no_answer() -> None:
    busy = extension("101", do_not_disturb=True)
    hangs_up = from_outside(tenant(boss("101"), busy), "+6591112222")
    goes_on = from_outside(tenant(boss("101", no_answer=forward_to(MOBILE)), busy), "+6591112222")

    assert targets_of(hangs_up) == []
    assert end_of(hangs_up).cause is Cause.NO_ANSWER
    assert who_rings(goes_on, Stage.NO_ANSWER) == [MOBILE]


# VIPs


def test_a_withheld_number_is_never_a_vip_even_if_the_network_knows_it() -> None:
    acme = tenant(boss("101", vip=("+6531234567",)), extension("101"))

    assert who_rings(from_outside(acme, "+6531234567")) == ["100-ip_phone"]
    assert who_rings(from_outside(acme, "+6531234567", withheld=True)) == ["101-ip_phone"]


def test_extensions_are_vips_on_their_key() -> None:
    acme = tenant(boss("101", vip=("102",)), extension("101"), extension("102"), extension("103"))

    assert who_rings(from_inside(acme, "102", "100")) == ["100-ip_phone"]
    assert who_rings(from_inside(acme, "103", "100")) == ["101-ip_phone"]


def test_a_caller_from_outside_who_sends_a_key_is_no_vip() -> None:
    acme = tenant(boss("101", vip=("102",)), extension("101"), extension("102"))

    assert who_rings(from_outside(acme, "102")) == ["101-ip_phone"]


# Loops inside


def test_100_forwards_to_101_who_forwards_to_100() -> None:
    acme = tenant(boss("101"), extension("101", forwarding=forwarding("100")), extension("102"))

    assert who_rings(from_inside(acme, "102", "100")) == ["101-ip_phone"]
    assert who_rings(from_inside(acme, "102", "101")) == ["100-ip_phone"]


def test_the_caller_s_own_extension_is_skipped() -> None:
    acme = tenant(boss("101"), extension("101", forwarding=forwarding("100")))

    plan = from_inside(acme, "100", "101")

    assert targets_of(plan) == []
    assert end_of(plan).cause is Cause.NO_ANSWER
    assert "target-caller" in rules_of(plan)


def test_an_extension_does_not_forward_to_itself() -> None:
    plan = from_outside(tenant(boss("100", "101"), extension("101")), None)

    assert who_rings(plan) == ["101-ip_phone"]
    assert "target-self" in rules_of(plan)


# Numbers


def test_an_own_did_resolves_inside() -> None:
    plan = from_outside(tenant(boss(number=OTHER_DID), extension("101"), numbers=DIDS), "+6591112222")

    assert who_rings(plan) == ["101-ip_phone"]
    assert "forward-inside" in rules_of(plan)


def test_the_own_did_of_the_extension_resolves_to_nothing() -> None:
    plan = from_outside(tenant(boss(number=MAIN)), "+6591112222")

    assert targets_of(plan) == []
    assert end_of(plan).cause is Cause.NO_ANSWER


def test_a_forward_number_goes_through_the_owner_s_dial_plan() -> None:
    assert who_rings(from_outside(tenant(boss(number="81112222")), None)) == [MOBILE]


@pytest.mark.parametrize(
    ("number", "rule"),
    [("+60123456789", "country-not-listed"), ("+93701234567", "passcode-required"), ("995", "number-invalid")],
)
def test_a_forward_that_the_owner_may_not_call_is_left_out(number: str, rule: str) -> None:
    plan = from_outside(tenant(boss("101", number=number), extension("101")), "+6591112222")

    assert who_rings(plan) == ["101-ip_phone"]
    assert rule in rules_of(plan)


def test_without_an_outbound_rule_nothing_is_forwarded_outside() -> None:
    plan = from_outside(tenant(boss(number=MOBILE, rule=None)), "+6591112222")

    assert targets_of(plan) == []
    assert "no-rule" in rules_of(plan)


def test_the_rule_of_the_owner_decides_not_the_caller_s() -> None:
    wide = OutboundRule("Wide", CARRIER, countries=(("MY", CountryAccess.ALLOWED),))
    acme = tenant(boss(number="+60123456789"), extension("101", rule=wide))

    assert targets_of(from_inside(acme, "101", "100")) == []


# Loops through the carrier


@pytest.mark.parametrize("diversion", [MAIN, "64291310", OTHER_DID, "006564291311"])
def test_a_call_that_was_diverted_by_an_own_number_is_not_sent_out_again(diversion: str) -> None:
    acme = tenant(boss("101", number=MOBILE), extension("101"), numbers=DIDS)

    plan = from_outside(acme, "+6591112222", diverted_by=(diversion,))

    assert who_rings(plan) == ["101-ip_phone"]
    assert "loop" in rules_of(plan)


@pytest.mark.parametrize("hidden", [False, True])
def test_a_call_from_outside_that_shows_an_own_number_is_not_sent_out_again(hidden: bool) -> None:
    plan = from_outside(tenant(boss(number=MOBILE)), MAIN, withheld=hidden)

    assert targets_of(plan) == []
    assert end_of(plan).cause is Cause.NO_ANSWER
    assert "loop" in rules_of(plan)


def test_the_number_that_the_owner_presents_is_an_own_number() -> None:
    plan = from_outside(tenant(boss(number=MOBILE, caller_id="+6590001111")), "+6590001111")

    assert targets_of(plan) == []


def test_a_call_is_not_forwarded_to_the_number_it_comes_from() -> None:
    plan = from_outside(tenant(boss("101", number=MOBILE), extension("101")), MOBILE)

    assert who_rings(plan) == ["101-ip_phone"]


def test_a_loop_ends_with_no_answer_that_does_not_go_out_either() -> None:
    plan = from_outside(tenant(boss(number=MOBILE, no_answer=forward_to("+6583334444"))), None, diverted_by=(MAIN,))

    assert targets_of(plan) == []
    assert end_of(plan).cause is Cause.NO_ANSWER


def test_a_call_that_was_diverted_three_times_is_not_sent_out_again() -> None:
    acme = tenant(boss(number=MOBILE))

    assert who_rings(from_outside(acme, None, diverted_by=("+6581", "x"))) == [MOBILE]
    plan = from_outside(acme, None, diverted_by=("x", "y", "z"))
    assert targets_of(plan) == []
    assert "diversions" in rules_of(plan)


def test_a_diverted_call_still_rings_extensions() -> None:
    plan = from_outside(tenant(boss("101"), extension("101")), None, diverted_by=(MAIN, "x", "y", "z"))

    assert who_rings(plan) == ["101-ip_phone"]


@pytest.mark.parametrize("on_forward", list(OnForward))
def test_the_way_out_and_back_ends_after_one_round(on_forward: OnForward) -> None:
    # given an extension that forwards to a mobile, which forwards to the extension's DID
    acme = tenant(boss(number=MOBILE, on_forward=on_forward))

    # when a call goes out and the mobile network sends it back with what we gave it
    first = from_outside(acme, "+6591112222")
    back = from_outside(acme, gateway_targets(first)[0].number, diverted_by=(MOBILE, str(ring_of(first).diverted_by)))

    # then it rings nobody
    assert who_rings(first) == [MOBILE]
    assert targets_of(back) == []
