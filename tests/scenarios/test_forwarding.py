"""Forwarding to a number, what the destination sees, and loops."""

from __future__ import annotations

import time

from bizpbx.testbed.world import answers
from tests.scenarios.conftest import Scene

FORWARD_OUT = ("incoming.forwarding.enabled=true", "incoming.forwarding.extensions=", "incoming.forwarding.vip=")


def test_a_forward_to_a_number_goes_out_through_the_gateway(scene: Scene) -> None:
    scene.set("extension", "100", *FORWARD_OUT, "incoming.forwarding.number=+6598765432")
    assert scene.from_outside("+6591112222").code == 200
    seen = scene.carrier.incoming[0]
    assert (seen.to_user, scene.rang()) == ("+6598765432", set())
    # The default: the destination sees the assigned caller ID of the extension, and who diverted.
    assert (seen.number, seen.diversion) == ("+6564291310", "+6564291310")


def test_the_destination_can_be_shown_the_caller(scene: Scene) -> None:
    scene.set("extension", "100", *FORWARD_OUT, "incoming.forwarding.number=+6598765432", "caller_id.on_forward=caller")
    assert scene.from_outside("+6591112222").code == 200
    assert scene.carrier.incoming[0].number == "+6591112222"


def test_inside_the_key_or_the_caller_is_shown(scene: Scene) -> None:
    phone = scene.phone("101-ip_phone", answers(0.1))
    scene.from_outside("+6591112222")
    scene.set("extension", "100", "caller_id.on_forward=caller")
    scene.from_outside("+6591112222")
    assert [call.number for call in phone.incoming] == ["100", "+6591112222"]


def test_number_and_extensions_ring_together(scene: Scene) -> None:
    scene.set("extension", "100", "incoming.forwarding.number=+6598765432")
    assert scene.from_outside("+6591112222").code == 200
    assert scene.rang() <= {"101-ip_phone", "102-ip_phone", "103-ip_phone"}
    assert scene.carrier.incoming[0].answered


def test_a_country_that_the_owners_rule_does_not_list_is_not_called(scene: Scene) -> None:
    scene.set("extension", "100", *FORWARD_OUT, "incoming.forwarding.number=+84938812345")
    assert not scene.from_outside("+6591112222").answered
    assert scene.carrier.incoming == []


def test_two_extensions_that_forward_to_each_other_end_in_a_normal_no_answer(scene: Scene) -> None:
    scene.set("extension", "100", "incoming.forwarding.extensions=101")
    scene.set("extension", "101", "incoming.forwarding.enabled=true", "incoming.forwarding.extensions=100")
    began = time.monotonic()
    result = scene.from_outside("+6591112222")
    assert result.code == 480
    # 100 forwards to 101's own devices, once: no chain, no storm.
    assert scene.rang() == {"101-ip_phone"}
    assert len(scene.registered("101-ip_phone").incoming) == 1
    assert time.monotonic() - began < 15


def test_a_forward_to_the_own_did_ends_in_a_normal_no_answer(scene: Scene) -> None:
    scene.set("extension", "100", *FORWARD_OUT, "incoming.forwarding.number=+6564291310")
    assert scene.from_outside("+6591112222").code in (480, 486)
    assert (scene.carrier.incoming, scene.rang()) == ([], set())


def test_a_forward_that_comes_back_from_outside_is_not_sent_out_again(scene: Scene) -> None:
    scene.set("extension", "100", *FORWARD_OUT, "incoming.forwarding.number=+6598765432")
    returned = scene.carrier.caller(
        "+6591112222", headers={"Diversion": "<sip:+6564291310@carrier.example>;reason=unconditional"}
    )
    assert not scene.installation.world.call(returned, "+6564291310").answered
    assert scene.carrier.incoming == []
