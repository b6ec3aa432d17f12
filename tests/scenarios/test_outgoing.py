"""Calling out: what a rule makes of a number, whom it lets be called, and the number it presents there."""

from __future__ import annotations

import pytest

from tests.scenarios.conftest import Scene

PLAN = "caller_id_plan=[{country: VN, prefix: '9388', caller_id: '+6564291310'}]"


def test_the_dial_plan_makes_the_number_that_the_carrier_is_asked_for(scene: Scene) -> None:
    assert scene.from_phone("101-ip_phone", "61234567").code == 200
    seen = scene.carrier.incoming[0]
    assert (seen.to_user, seen.number) == ("+6561234567", "+6564291310")


@pytest.mark.parametrize("dialled", ["+93701234567", "0093701234567", "93701234567", "+19005551212", "+881612345678"])
def test_a_country_that_is_not_on_the_list_never_produces_an_invite(scene: Scene, dialled: str) -> None:
    assert not scene.from_phone("101-ip_phone", dialled).answered
    assert scene.carrier.incoming == []


def test_a_country_is_open_and_shut_again_from_one_call_to_the_next(scene: Scene) -> None:
    for access, asked in (("allowed", ["+84937712345"]), ("null", [])):
        scene.set("rule", "Standard", f"countries.VN={access}")
        scene.carrier.forget()
        scene.from_phone("101-ip_phone", "+84937712345")
        assert [seen.to_user for seen in scene.carrier.incoming] == asked


def test_the_caller_id_plan_beats_the_extension_s_own_choice(scene: Scene) -> None:
    scene.set("rule", "Standard", "countries.VN=allowed", PLAN)
    scene.set("extension", "101", "caller_id.number=+6564291311")
    for dialled in ("84938812345", "84937712345"):
        assert scene.from_phone("101-ip_phone", dialled).code == 200
    assert [(seen.to_user, seen.number, seen.pai) for seen in scene.carrier.incoming] == [
        ("+84938812345", "+6564291310", "+6564291310"),
        ("+84937712345", "+6564291311", "+6564291311"),
    ]


def test_a_phone_cannot_present_a_number_of_its_own_making(scene: Scene) -> None:
    liar = scene.registered("101-ip_phone").caller(
        display_name="Bank",
        claims="+6561110000",
        headers={"P-Asserted-Identity": "<sip:+6561110000@acme.example>", "Privacy": "id"},
    )
    scene.installation.world.call(liar, "61234567")
    for seen in scene.carrier.incoming:
        assert (seen.number, seen.pai, seen.privacy) == ("+6564291310", "+6564291310", None)
        assert not any("6561110000" in value or "Bank" in value for _, value in seen.headers)
