"""Dial strings are built from tokens only."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizpbx.errors import InvalidText
from bizpbx.freeswitch import dial_string as building
from bizpbx.freeswitch.consulting import Consulting
from bizpbx.freeswitch.dial_string import device_address, gateway_address
from bizpbx.policy.plan import DeviceTarget, GatewayTarget, Ring, Stage, Target
from bizpbx.policy.settings import DeviceKind

DEVICE = DeviceTarget("100", DeviceKind.IP_PHONE, "100-ip_phone", "acme.example", "+6531234567")
GATEWAY = GatewayTarget("carrier.acme.example", "+6581112222", "+6564291310")
SYNTAX = "{}[]<>,|:^='\\$@%/;!& \t\n\"()"


KEYS = (
    r"execute_on_pre_bridge_1=bind_digit_action bizpbx\,*1\,exec:execute_extension\,"
    r"blind XML bizpbx-transfer\,self\,self,"
    r"execute_on_pre_bridge_2=bind_digit_action bizpbx\,*2\,exec:execute_extension\,"
    r"attended XML bizpbx-transfer\,self\,self"
)
"""What a device's keys lead to while it talks; no gateway has it."""

WARNING = "/var/lib/bizpbx/prompts/en/allowance_ending.wav"


def dial_string(rung: Ring) -> str:
    return building.dial_string(rung, building.Legs(WARNING))


def ring(*targets: Target) -> Ring:
    return Ring(Stage.RING, targets, 20, caller_name="anything, at all: ['${x}")


def test_all_targets_ring_together_each_with_its_own_number() -> None:
    assert dial_string(ring(DEVICE, GATEWAY)) == (
        "[leg_timeout=20,origination_caller_id_number=+6531234567,sip_cid_type=none,"
        f"{KEYS},"
        "bizpbx_organisation=acme.example,bizpbx_target=100-ip_phone]"
        "sofia/internal/100-ip_phone.acme.example%acme.example,"
        "[leg_timeout=20,origination_caller_id_number=+6564291310,sip_cid_type=none,bizpbx_target=+6581112222]"
        "sofia/gateway/carrier.acme.example/+6581112222"
    )


def test_a_leg_has_a_number_of_its_own_even_if_there_is_none_to_show() -> None:
    assert dial_string(ring(dataclasses.replace(DEVICE, number=""))) == (
        "[leg_timeout=20,origination_caller_id_number=anonymous,sip_cid_type=none,"
        f"{KEYS},"
        "bizpbx_organisation=acme.example,bizpbx_target=100-ip_phone]"
        "sofia/internal/100-ip_phone.acme.example%acme.example"
    )


def test_a_device_that_requires_tls_rings_with_srtp_and_where_tls_is_the_only_way_in() -> None:
    assert dial_string(ring(dataclasses.replace(DEVICE, tls=True))) == (
        "[leg_timeout=20,origination_caller_id_number=+6531234567,sip_cid_type=none,"
        f"{KEYS},"
        "bizpbx_organisation=acme.example,bizpbx_target=100-ip_phone,rtp_secure_media=mandatory]"
        "sofia/internal-tls/100-ip_phone.acme.example%acme.example"
    )


@pytest.mark.parametrize("syntax", SYNTAX)
@pytest.mark.parametrize(
    ("target", "part"),
    [
        (DEVICE, "sip_user"),
        (dataclasses.replace(DEVICE, tls=True), "sip_user"),
        (dataclasses.replace(DEVICE, tls=True), "number"),
        (DEVICE, "domain"),
        (DEVICE, "number"),
        (GATEWAY, "gateway"),
        (GATEWAY, "dial"),
        (GATEWAY, "number"),
    ],
)
def test_syntax_in_any_part_is_refused(target: Target, part: str, syntax: str) -> None:
    with pytest.raises(InvalidText):
        dial_string(ring(dataclasses.replace(target, **{part: f"a{syntax}b"})))  # type: ignore[arg-type]


@given(st.text())
def test_whatever_is_dialled_stays_one_leg(text: str) -> None:
    try:
        built = dial_string(ring(dataclasses.replace(GATEWAY, dial=text, number=text)))
    except InvalidText:
        return
    assert built.count("sofia/") == built.count("[") == built.count("]") == 1
    assert built.count(",") == 3


ASSERTED = GatewayTarget("carrier.acme.example", "+6581112222", "+6591112222", "+6564291310", "acme.example")


def test_a_gateway_is_told_whose_call_it_is_whatever_is_shown() -> None:
    assert "sip_h_P-Asserted-Identity=sip:+6564291310@acme.example," in dial_string(ring(ASSERTED))
    assert "Privacy" not in dial_string(ring(ASSERTED))


def test_a_gateway_is_asked_to_keep_a_withheld_caller_private_and_a_device_sees_none_of_it() -> None:
    withheld = dataclasses.replace(ring(ASSERTED, DEVICE), withheld=True)

    outside, _, inside = dial_string(withheld).partition(",[")
    assert outside.count("sip_h_Privacy=id") == 1
    assert "Privacy" not in inside and "Identity" not in inside


@pytest.mark.parametrize("syntax", SYNTAX)
@pytest.mark.parametrize("part", ["asserted", "domain"])
def test_syntax_in_what_is_asserted_is_refused(part: str, syntax: str) -> None:
    with pytest.raises(InvalidText):
        dial_string(ring(dataclasses.replace(ASSERTED, **{part: f"a{syntax}b"})))


def test_addresses() -> None:
    assert device_address("100-ip_phone", "acme.example") == "sofia/internal/100-ip_phone.acme.example%acme.example"
    assert gateway_address("carrier.acme.example") == "sofia/gateway/carrier.acme.example"


HELD = "11111111-2222-3333-4444-555555555555"
NAMES = ("aaaaaaaa-0000-0000-0000-000000000001", "aaaaaaaa-0000-0000-0000-000000000002")


def test_a_leg_that_is_called_before_a_transfer_tells_the_held_one_of_its_answer_and_waits_for_it() -> None:
    legs = building.Legs(consulting=Consulting(HELD, "101"), names=NAMES)
    device, gateway = building.dial_string(ring(DEVICE, GATEWAY), legs).split(",[")
    for leg, name in ((device, NAMES[0]), (gateway, NAMES[1])):
        assert f"origination_uuid={name}," in leg
        assert f"api_on_answer_joined='uuid_setvar {HELD} bizpbx_consulted {name}'," in leg
        assert "bizpbx_consulted_by=101,transfer_after_bridge=joining:XML:bizpbx-transfer," in leg


def test_names_stay_with_their_targets_when_gateways_come_first() -> None:
    legs = building.Legs(consulting=Consulting(HELD, "101"), names=NAMES)
    gateway, device = building.dial_string(dataclasses.replace(ring(DEVICE, GATEWAY), patience=15), legs).split(",[")
    assert NAMES[1] in gateway
    assert NAMES[0] in device


@pytest.mark.parametrize("consulting", [Consulting("x", "101"), Consulting(HELD, "101,a=b")])
def test_what_is_no_leg_or_key_gets_into_no_dial_string(consulting: Consulting) -> None:
    with pytest.raises(InvalidText):
        building.dial_string(ring(DEVICE), building.Legs(consulting=consulting, names=NAMES))


def test_no_code_is_heard_where_transfers_are_off() -> None:
    assert "bind_digit_action" not in building.dial_string(ring(DEVICE), building.Legs(keys=False))
