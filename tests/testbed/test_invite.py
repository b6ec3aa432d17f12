from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from bizpbx.testbed.sipp import invite
from bizpbx.testbed.world import CarrierCaller, PhoneCaller

PHONE = cast(Any, SimpleNamespace(domain="acme.example", username="100-ip_phone"))
CARRIER = cast(Any, SimpleNamespace(port=5090))


def test_a_phone_calls_in_its_own_domain() -> None:
    wording = invite.from_phone(PhoneCaller(PHONE), "101")
    assert (wording.target, wording.sender) == ("sip:101@acme.example", "<sip:100-ip_phone@acme.example>")
    assert wording.keys["to"] == "<sip:101@acme.example>"


def test_a_phone_may_claim_to_be_another() -> None:
    wording = invite.from_phone(PhoneCaller(PHONE, 'Ann "A"', "102", {"X-One": "1", "X-Two": "2"}), "00#12")
    assert wording.sender == '"Ann \\"A\\"" <sip:102@acme.example>'
    assert wording.target == "sip:00%2312@acme.example"
    assert (wording.keys["h0"], wording.keys["h1"]) == ("X-One: 1", "X-Two: 2")


def test_a_number_from_outside() -> None:
    wording = invite.from_carrier(CarrierCaller(CARRIER, "+6531234567", "Ann"), "+6564291310", "127.0.0.1:5080")
    assert wording.target == "sip:+6564291310@127.0.0.1:5080"
    assert wording.sender == '"Ann" <sip:+6531234567@127.0.0.1:5090>'
    assert wording.headers == ()


def test_a_withheld_number() -> None:
    wording = invite.from_carrier(CarrierCaller(CARRIER, "+6531234567", withheld=True), "1", "pbx")
    assert "+6531234567" not in wording.sender
    assert wording.headers == ("P-Asserted-Identity: <sip:+6531234567@127.0.0.1:5090>", "Privacy: id")
    assert invite.from_carrier(CarrierCaller(CARRIER, None, withheld=True), "1", "pbx").headers == ("Privacy: id",)


def test_a_call_without_a_number() -> None:
    assert invite.from_carrier(CarrierCaller(CARRIER, None), "1", "pbx").sender == "<sip:127.0.0.1:5090>"
