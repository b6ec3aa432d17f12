"""Fifty calls of one extension at once, with little left to talk: together they stay within it."""

from __future__ import annotations

import pytest

from bizpbx.metering.lease import LeaseState
from bizpbx.testbed.installation import SwitchKind
from bizpbx.testbed.sipp.load import LoadResult, load
from bizpbx.testbed.sipp.real_world import SippWorld
from tests.scenarios.conftest import Scene
from tests.scenarios.test_metering_survives import OUTSIDE, audited
from tests.scenarios.test_usage_limit import leases, limit, settled, used

pytestmark = pytest.mark.usefixtures("empty_books")

CALLS = 50
RATE = 25.0
"""Calls a second."""
LATE = 0.5
"""Seconds that the switch may cut a call late."""


@pytest.fixture(autouse=True)
def on_a_real_switch(scene: Scene) -> None:
    if scene.installation.kind is SwitchKind.SIMULATOR:
        pytest.skip("fifty callers at once are SIPp's")


def rush(scene: Scene, extension: str, talks: float) -> LoadResult:
    """Fifty calls, each of which hangs up by itself after so many seconds of talk. Only what is answered was dialled,
    and every other call has got its 403."""
    world = scene.installation.world
    assert isinstance(world, SippWorld)
    scene.set("extension", extension, "guard.concurrent_calls=off")
    result = load(world, scene.registered(f"{extension}-ip_phone"), OUTSIDE, calls=CALLS, rate=RATE, talks=talks)
    assert dict(result.failures) == {403: CALLS - result.answered}
    assert len(scene.carrier.incoming) == result.answered == len(leases(scene, extension))
    return result


def test_fifty_calls_share_ten_seconds(scene: Scene) -> None:
    """The first one is granted all there is."""
    limit(scene, "101", 10)
    result = rush(scene, "101", talks=60.0)
    assert result.answered == 1
    after = settled(scene, "101")
    assert 9 <= after.seconds <= 10 + LATE * result.answered
    assert (after.reserved, after.charged) == (0, after.seconds)
    assert audited(scene) == []


def test_fifty_calls_share_five_minutes(scene: Scene) -> None:
    """A minute each is granted at once, so five can talk at the same time; what they leave is for later ones."""
    scene.set("extension", "102", "usage_limit={kind: minutes, value: '5'}")
    result = rush(scene, "102", talks=4.0)
    assert result.answered >= 5
    after = settled(scene, "102")
    granted = leases(scene, "102")
    assert {lease.granted_seconds for lease in granted[:5]} == {60}
    assert all(lease.state is LeaseState.SETTLED for lease in granted)
    assert 4 * result.answered <= after.seconds <= 5 * result.answered
    assert after.seconds <= 300 + LATE * result.answered
    assert (after.reserved, after.charged) == (0, used(scene, "102").seconds)
    assert audited(scene) == []
