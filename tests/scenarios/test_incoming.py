"""One incoming call to an extension, in the order of product §4."""

from __future__ import annotations

import pytest

from bizpbx.testbed.world import answers, busy, declines, rings_only, unregistered
from tests.scenarios.conftest import ACME, BRAVO, Scene


def test_a_did_rings_the_extension_it_leads_to_and_shows_the_caller(scene: Scene) -> None:
    phone = scene.phone("101-ip_phone", answers(0.1))
    assert scene.from_outside("+6591112222", "+6564291311").code == 200
    assert (scene.rang(), phone.incoming[0].number) == ({"101-ip_phone"}, "+6591112222")


def test_a_number_that_is_no_did_is_refused(scene: Scene) -> None:
    assert scene.from_outside("+6591112222", "+6564299999").code == 404


def test_an_internal_key_cannot_be_dialled_from_outside(scene: Scene) -> None:
    assert scene.from_outside("+6591112222", "101").code in (404, 484)
    assert scene.rang() == set()


def test_an_internal_call_shows_key_and_label(scene: Scene) -> None:
    phone = scene.phone("102-ip_phone", answers(0.1))
    assert scene.from_phone("101-ip_phone", "102").code == 200
    assert (phone.incoming[0].number, phone.incoming[0].display_name) == ("101", "Sales")


def test_whatever_a_phone_claims_to_be_its_account_decides(scene: Scene) -> None:
    phone = scene.phone("102-ip_phone", answers(0.1))
    caller = scene.registered("101-ip_phone").caller(display_name="The Boss")
    assert scene.installation.world.call(caller, "102").code == 200
    assert (phone.incoming[0].number, phone.incoming[0].display_name) == ("101", "Sales")


def test_do_not_disturb_neither_rings_nor_forwards(scene: Scene) -> None:
    scene.set("extension", "100", "incoming.do_not_disturb=true")
    assert scene.from_outside("+6591112222").code == 486
    assert scene.from_outside("+6531234567").code == 486
    assert scene.rang() == set()


def test_a_target_on_do_not_disturb_is_skipped(scene: Scene) -> None:
    scene.set("extension", "102", "incoming.do_not_disturb=true")
    scene.phone("101-ip_phone", answers(0.1))
    assert scene.from_outside("+6591112222").code == 200
    assert scene.rang() == {"101-ip_phone", "103-ip_phone"}


@pytest.mark.parametrize(("behaviour", "code"), [(busy, 486), (declines, 603)], ids=["busy", "declines"])
def test_the_only_phone_turns_the_call_down(scene: Scene, behaviour: object, code: int) -> None:
    scene.phone("102-ip_phone", behaviour)  # type: ignore[arg-type]
    assert scene.from_phone("101-ip_phone", "102").code == code


def test_a_phone_that_is_switched_off_leaves_the_caller_waiting_for_nothing(scene: Scene) -> None:
    scene.phone("102-ip_phone", unregistered)
    result = scene.from_phone("101-ip_phone", "102")
    assert (result.code, scene.rang()) == (480, set())


def test_one_device_busy_and_the_other_rings_on(scene: Scene) -> None:
    scene.phone("100-ip_phone", busy)
    scene.phone("100-mobile", answers(0.3))
    assert scene.from_outside("+6531234567").code == 200


@pytest.mark.thorough
def test_the_ring_time_ends_the_ringing(scene: Scene) -> None:
    phone = scene.phone("102-ip_phone", rings_only)
    result = scene.from_phone("101-ip_phone", "102")
    assert result.code == 480
    assert phone.incoming[0].cancelled


def test_a_caller_who_gives_up_stops_the_ringing(scene: Scene) -> None:
    phone = scene.phone("102-ip_phone", rings_only)
    assert scene.from_phone("101-ip_phone", "102", cancel_after=1.0).code == 487
    assert phone.incoming[0].cancelled


def test_gateway_mapped_calls_go_to_that_account(scene: Scene) -> None:
    scene.set("extension", "101", "incoming.gateway=carrier")
    assert scene.from_outside("+6591112222", "+6564291311").code == 200
    assert scene.rang() == set()
    assert [call.to_user for call in scene.carrier.incoming] == ["+6564291311"]


def test_a_mapped_carrier_that_sends_the_call_back_is_asked_once(scene: Scene) -> None:
    scene.set("extension", "101", "incoming.gateway=carrier", "no_answer.action=hang_up")
    assert scene.from_outside("+6591112222", "+6564291311").code == 200
    (out,) = scene.carrier.incoming
    assert out.diversion == "+6564291311"
    scene.carrier.forget()
    sent_back = scene.carrier.caller(
        "+6591112222", headers={"Diversion": "<sip:+6564291311@acme.example>;reason=unconditional"}
    )
    assert scene.installation.world.call(sent_back, "+6564291311").code == 480
    assert scene.carrier.incoming == []


def test_an_unanswered_gateway_ends_in_the_no_answer_settings(scene: Scene) -> None:
    scene.set("extension", "101", "incoming.gateway=carrier", "no_answer.action=hang_up")
    scene.carrier = scene.installation.world.carrier(scene.installation.carrier_port, busy)
    assert scene.from_phone("104-ip_phone", "101").code == 486


def test_devices_of_another_organisation_with_the_same_key_are_never_reached(scene: Scene) -> None:
    theirs = scene.phone("101-ip_phone", answers(0.1), domain=BRAVO)
    ours = scene.phone("101-ip_phone", answers(0.1), domain=ACME)
    assert scene.from_phone("100-mobile", "101").code == 200
    assert (len(ours.incoming), len(theirs.incoming)) == (1, 0)
    assert scene.from_phone("100-mobile", "101", domain=BRAVO).code == 200
    assert (len(ours.incoming), len(theirs.incoming)) == (1, 1)


def test_a_key_that_only_the_neighbour_has_does_not_exist_here(scene: Scene) -> None:
    assert scene.from_phone("101-ip_phone", "103", domain=BRAVO).code == 404
    assert scene.rang(ACME) == set()
