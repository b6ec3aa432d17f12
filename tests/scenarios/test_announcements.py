"""What a caller is told in words when an outgoing call fails: as early media, before the code that the failure has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bizpbx.testbed.world import refuses
from tests.scenarios.conftest import Scene


@pytest.fixture(autouse=True)
def carrier(scene: Scene) -> Iterator[None]:
    yield
    scene.carrier = scene.installation.world.carrier(scene.installation.carrier_port)


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
