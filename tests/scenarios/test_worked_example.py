"""Product §4 to the letter: 100 uses IP phone and mobile app, forwards to 101, 102 and 103, and has two VIPs."""

from __future__ import annotations

import pytest

from bizpbx.testbed.world import answered, answers
from tests.scenarios.conftest import BRAVO, Scene

OWN = {"100-ip_phone", "100-mobile"}
FORWARDED = {"101-ip_phone", "102-ip_phone", "103-ip_phone"}


@pytest.mark.parametrize("vip", ["+6531234567", "+6569876543"])
def test_a_vip_rings_the_own_devices_and_nobody_else(scene: Scene, vip: str) -> None:
    mobile = scene.phone("100-mobile", answers(0.1))
    result = scene.from_outside(vip)
    assert result.code == 200
    assert scene.rang() == OWN
    assert scene.rang(BRAVO) == set()
    assert mobile.incoming[0].number == vip


@pytest.mark.parametrize("written", ["6531234567", "006531234567", "31234567"])
def test_a_vip_is_known_however_the_carrier_writes_the_number(scene: Scene, written: str) -> None:
    scene.phone("100-ip_phone", answers(0.1))
    assert scene.from_outside(written).code == 200
    assert scene.rang() == OWN


def test_every_other_call_rings_the_three_targets_together_and_not_100(scene: Scene) -> None:
    scene.phone("102-ip_phone", answers(0.2))
    result = scene.from_outside("+6591112222")
    assert result.code == 200
    assert scene.rang() == FORWARDED
    assert answered(scene.installation.world) == {"102-ip_phone"}
    # Those who did not pick up see that somebody else did.
    assert [scene.registered(user).incoming[0].cancelled for user in ("101-ip_phone", "103-ip_phone")] == [True, True]


def test_a_withheld_number_is_never_a_vip(scene: Scene) -> None:
    scene.phone("101-ip_phone", answers(0.1))
    assert scene.from_outside(None).code == 200
    assert scene.rang() == FORWARDED


def test_a_colleague_who_is_not_on_the_list_is_forwarded_too(scene: Scene) -> None:
    scene.phone("103-ip_phone", answers(0.1))
    assert scene.from_phone("104-ip_phone", "100").code == 200
    assert scene.rang() == FORWARDED


def test_the_one_who_calls_does_not_ring(scene: Scene) -> None:
    scene.phone("103-ip_phone", answers(0.1))
    assert scene.from_phone("101-ip_phone", "100").code == 200
    assert scene.rang() == {"102-ip_phone", "103-ip_phone"}


def test_an_extension_can_be_a_vip(scene: Scene) -> None:
    scene.set("extension", "100", "incoming.forwarding.vip=104")
    scene.phone("100-ip_phone", answers(0.1))
    assert scene.from_phone("104-ip_phone", "100").code == 200
    assert scene.rang() == OWN


def test_nobody_answers_and_the_no_answer_of_100_decides(scene: Scene) -> None:
    result = scene.from_outside("+6591112222")
    assert result.code == 480
    assert scene.rang() == FORWARDED
    assert all(scene.registered(user).incoming[0].cancelled for user in FORWARDED)
