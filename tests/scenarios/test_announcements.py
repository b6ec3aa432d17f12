"""What a caller is told in words when an outgoing call fails: as early media, before the code that the failure has."""

from __future__ import annotations

import pytest

from bizpbx.testbed.world import refuses
from tests.scenarios.conftest import Scene


@pytest.mark.parametrize(
    ("refusal", "code", "told"),
    [(503, 503, True), (404, 404, True), (486, 486, False)],
    ids=["all lines busy", "not in service", "busy is a tone"],
)
def test_the_caller_is_told_why_where_no_tone_says_it(scene: Scene, refusal: int, code: int, told: bool) -> None:
    scene.carrier = scene.installation.world.carrier(scene.installation.carrier_port, refuses(refusal))
    result = scene.from_phone("101-ip_phone", "61234567")
    assert result.code == code
    assert (183 in result.provisional) is told
    assert [call.to_user for call in scene.carrier.incoming] == ["+6561234567"]


KEYS_THAT_ARE_NONE = ("19", "199", "123456")


def test_who_dials_a_key_that_is_none_is_told(scene: Scene) -> None:
    told_of_every_key_that_is_none(scene)


def test_without_any_controller_who_dials_a_key_that_is_none_is_told_by_the_switch(scene: Scene) -> None:
    scene.installation.controllers[0].kill()
    told_of_every_key_that_is_none(scene)


def told_of_every_key_that_is_none(scene: Scene) -> None:
    results = [scene.from_phone("101-ip_phone", dialled) for dialled in KEYS_THAT_ARE_NONE]
    assert [(result.code, 183 in result.provisional) for result in results] == [(404, True)] * len(results)
    assert (scene.rang(), scene.carrier.incoming) == (set(), [])


def test_a_carrier_that_asks_for_what_is_no_did_is_told_by_a_code_alone(scene: Scene) -> None:
    result = scene.from_outside("+6591112222", "+6564299999")
    assert (result.code, result.provisional.count(183)) == (404, 0)
