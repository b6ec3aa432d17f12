"""A customer's own PBX calls out through us: the rule that was selected for its gateway decides."""

from __future__ import annotations

import pytest

from bizpbx.testbed.event_socket import EventSocket
from bizpbx.testbed.installation import event_socket_password
from bizpbx.testbed.world import CallResult, Carrier
from tests.scenarios.conftest import Scene, until

BRANCH = "countries={SG: allowed, AF: passcode}"
PLAN = "dial_plan=[{starts_with: ['9'], length: 9, strip: 1, prepend: '65'}]"


@pytest.fixture
def pbx(scene: Scene) -> Carrier:
    """The second gateway is a PBX, whose calls extension 104 pays for."""
    scene.installation.bizpbx(
        "rule", "add", "Branch", "gateway=carrier", PLAN, BRANCH, "--organisation", "acme.example"
    )
    scene.set("gateway", "second", "outbound_rule=Branch", "payer=104")
    return scene.installation.world.carrier(scene.installation.second_carrier_port)


def dial(scene: Scene, pbx: Carrier, dialled: str, number: str | None = "+6564291311") -> CallResult:
    return scene.installation.world.call(pbx.caller(number, withheld=number is None), dialled, hangup_after=0.1)


def test_its_own_rule_makes_and_opens_the_number_and_its_number_is_presented(scene: Scene, pbx: Carrier) -> None:
    assert dial(scene, pbx, "961234567").code == 200
    seen = scene.carrier.incoming[0]
    assert (seen.to_user, seen.number, seen.pai, seen.privacy) == ("+6561234567", "+6564291311", "+6564291311", None)


def test_a_number_that_is_not_the_organisation_s_is_not_presented(scene: Scene, pbx: Carrier) -> None:
    assert dial(scene, pbx, "961234567", "+6591112222").code == 200
    assert scene.carrier.incoming[0].number == "+6564291310"


@pytest.mark.parametrize("dialled", ["61234567", "+84937712345", "+93701234567", "104", "+881612345678"])
def test_what_its_rule_does_not_open_never_produces_an_invite(scene: Scene, pbx: Carrier, dialled: str) -> None:
    assert not dial(scene, pbx, dialled).answered
    assert scene.carrier.incoming == []
    assert scene.rang() == set()


def test_the_trunk_beside_it_calls_nobody_outside(scene: Scene, pbx: Carrier) -> None:
    for dialled in ("961234567", "+6561234567", "995"):
        assert scene.from_outside("+6564291311", dialled).code == 404
    assert scene.carrier.incoming == []


def test_the_guard_of_who_pays_holds_its_calls(scene: Scene, pbx: Carrier) -> None:
    scene.set("extension", "104", "guard.concurrent_calls=0")
    assert dial(scene, pbx, "961234567").code == 403
    assert scene.carrier.incoming == []


def test_it_reaches_emergency_numbers(scene: Scene, pbx: Carrier) -> None:
    scene.set("extension", "104", "guard.concurrent_calls=0")
    assert dial(scene, pbx, "995").code == 200
    seen = scene.carrier.incoming[0]
    assert (seen.to_user, seen.number, seen.pai) == ("995", "+6564291311", "+6564291311")


def test_without_any_controller_it_still_reaches_emergency_numbers_and_nothing_else(scene: Scene, pbx: Carrier) -> None:
    scene.start_controller(BIZPBX_FREESWITCH_CONF=str(scene.installation.tree))
    trunk = scene.installation.tree / "dialplan" / "bizpbx-trunk.xml"
    until(lambda: "emergency-second.acme.example" in trunk.read_text())
    connection = EventSocket(scene.installation.esl_port, event_socket_password(scene.installation.tree))
    connection.api("reloadxml")
    connection.close()
    scene.installation.controllers[0].kill()

    assert not dial(scene, pbx, "961234567").answered
    assert not scene.from_outside("+6564291311", "995").answered
    assert scene.carrier.incoming == []
    assert dial(scene, pbx, "+65995").code == 200
    seen = scene.carrier.incoming[0]
    assert (seen.to_user, seen.number, seen.pai) == ("995", "+6564291310", "+6564291310")
