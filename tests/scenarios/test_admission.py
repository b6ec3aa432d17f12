"""Who may register and call: checked when a device registers, and again at each call."""

from __future__ import annotations

from bizpbx.testbed.world import answers, rings_only
from tests.scenarios.conftest import ACME, Scene


def test_a_wrong_password_is_refused(scene: Scene) -> None:
    phone = scene.installation.world.phone(ACME, "104-ip_phone", "a guess", rings_only)
    assert phone.registration.code in (401, 403)


def test_a_device_nobody_has_heard_of_is_refused(scene: Scene) -> None:
    phone = scene.installation.world.phone(ACME, "199-ip_phone", "a guess", rings_only)
    assert phone.registration.code in (401, 403)


def test_the_password_of_the_neighbour_with_the_same_key_does_not_open(scene: Scene) -> None:
    theirs = scene.passwords["bravo.example", "101-ip_phone"]
    assert not scene.installation.world.phone(ACME, "101-ip_phone", theirs, rings_only).registration.registered


def test_a_deactivated_device_is_neither_called_nor_can_it_call_nor_register(scene: Scene) -> None:
    phone = scene.phone("104-ip_phone", answers(0.1))
    scene.installation.bizpbx("device", "deactivate", "104", "ip_phone", "--organisation", ACME)
    # It is still registered on the switch: the very next call knows better.
    assert scene.from_phone("101-ip_phone", "104").code == 480
    assert phone.incoming == []
    assert scene.from_phone("104-ip_phone", "101").code in (401, 403, 603)
    assert not scene.phone("104-ip_phone").registration.registered


def test_a_change_is_in_force_on_the_very_next_call(scene: Scene) -> None:
    scene.phone("102-ip_phone", answers(0.1))
    assert scene.from_phone("101-ip_phone", "102").code == 200
    scene.set("extension", "102", "incoming.do_not_disturb=true")
    assert scene.from_phone("101-ip_phone", "102").code == 486
    scene.set("extension", "102", "incoming.do_not_disturb=false")
    assert scene.from_phone("101-ip_phone", "102").code == 200
