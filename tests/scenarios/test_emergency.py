"""Emergency numbers of the home country, from every state an extension can be in: always dialled, and always with a
number that can be called back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bizpbx.directory import passcodes
from bizpbx.directory.database import Database
from bizpbx.testbed.world import CallResult
from tests.scenarios.conftest import ACME, Scene

CAN_BE_CALLED_BACK = {"+6564291310", "+6564291311"}
PASSCODE = ("extension", "101", "passcode=24681357")
PRIVATE = {"Privacy": "id;header;user", "P-Asserted-Identity": "<sip:anonymous@anonymous.invalid>"}
STATES = {
    "no rule": [("organisation", "default_rule=null")],
    "no country allowed": [("rule", "Standard", "countries.SG=null")],
    "passcode required": [("rule", "Standard", "countries.SG=passcode"), PASSCODE],
    "passcode missing": [
        ("rule", "Standard", "countries.SG=passcode"),
        ("organisation", "refuse_without_passcode=true"),
    ],
    "do not disturb": [("extension", "101", "incoming.do_not_disturb=true")],
    "call centre": [("extension", "101", "type=call_center", "no_answer=null")],
    "forwarding": [("extension", "101", "incoming.forwarding.enabled=true", "incoming.forwarding.extensions=102")],
    "gateway mapped": [("extension", "101", "incoming.gateway=carrier")],
    "random caller ID": [("extension", "101", "caller_id.mode=random")],
    "no caller ID of its own": [("extension", "101", "caller_id.number=null")],
}


def dial(scene: Scene, number: str = "995", private: bool = False) -> CallResult:
    phone = scene.registered("101-ip_phone")
    caller = phone.caller(display_name="Anonymous", headers=PRIVATE) if private else phone
    return scene.installation.world.call(caller, number, hangup_after=0.1)


def check(scene: Scene, result: CallResult, number: str = "995") -> None:
    assert result.code == 200
    (seen,) = scene.carrier.incoming
    assert seen.to_user == number
    assert seen.number in CAN_BE_CALLED_BACK
    assert (seen.pai, seen.privacy) == (seen.number, None)
    assert not any("anonymous" in value.lower() for _, value in seen.headers)


@pytest.mark.parametrize("state", STATES)
def test_no_setting_bars_it(scene: Scene, state: str) -> None:
    for change in STATES[state]:
        noun, *values = change
        scene.set(noun, values[0], *values[1:])
    check(scene, dial(scene))


@pytest.mark.parametrize("number", ["993", "995", "999"])
def test_every_emergency_number_of_the_home_country_is_dialled_as_it_is(scene: Scene, number: str) -> None:
    check(scene, dial(scene, number), number)


@pytest.mark.parametrize("controller", [True, False], ids=["decided", "no controller"])
@pytest.mark.parametrize("number", ["+65995", "0065995"])
def test_a_phone_may_put_the_country_code_before_it(scene: Scene, number: str, controller: bool) -> None:
    if not controller:
        scene.installation.controllers[0].kill()
    check(scene, dial(scene, number))


def test_a_dial_plan_may_take_a_digit_for_an_outside_line_off_it(scene: Scene) -> None:
    scene.set("rule", "Standard", "dial_plan=[{starts_with: ['0'], length: 4, strip: 1}]", "countries.SG=null")
    check(scene, dial(scene, "0995"))


def test_a_number_that_leads_nowhere_is_not_presented(scene: Scene) -> None:
    scene.set("extension", "101", "caller_id.number=+6564291311")
    scene.set("number", "+6564291311", "to=null")
    check(scene, dial(scene))
    assert scene.carrier.incoming[0].number == "+6564291310"


def test_a_locked_passcode_does_not_bar_it(scene: Scene) -> None:
    scene.set("rule", "Standard", "countries.SG=passcode")
    scene.set(*PASSCODE)
    lock(scene, "101")
    assert dial(scene, "61234567").code == 403
    assert scene.carrier.incoming == []
    check(scene, dial(scene))


def test_who_withholds_the_number_can_be_called_back(scene: Scene) -> None:
    check(scene, dial(scene, private=True))


@pytest.mark.parametrize("private", [False, True], ids=["plain", "withheld"])
def test_without_any_controller_it_is_dialled_by_the_switch(scene: Scene, private: bool) -> None:
    scene.installation.controllers[0].kill()
    check(scene, dial(scene, private=private))


def lock(scene: Scene, key: str) -> None:
    """As five wrong passcodes do."""
    database = Database(scene.installation.config.database)
    try:
        with database.writing() as session:
            for _ in range(5):
                passcodes.count(session, ACME, key, right=False, now=datetime.now(UTC))
    finally:
        database.close()
