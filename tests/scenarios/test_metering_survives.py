"""The controller dies at every point of a metered call's books. Each call is on record once, and charged once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import gevent
import pytest
from sqlalchemy import func, select

from bizpbx.controller.faults import Point
from bizpbx.directory.database import Database
from bizpbx.metering.call_record import CallLeg, CallRecord
from bizpbx.metering.lease import LeaseState
from bizpbx.testbed.installation import SwitchKind
from bizpbx.testbed.world import CallResult, PlacedCall, answers
from tests.scenarios.conftest import ACME, Scene
from tests.scenarios.test_usage_limit import leases, limit, used

GRACE = "2"
"""Seconds, as a variable."""
PATIENCE = 60.0
SEEN = 3
"""Seconds of talk that a controller is to have seen before a crash."""
OUTSIDE = "61234567"


@dataclass(frozen=True)
class OnRecord:
    """How many calls and legs there are, and how many names those have."""

    calls: int
    call_names: int
    legs: int
    leg_names: int


def on_record(scene: Scene) -> OnRecord:
    database = Database(scene.installation.config.database)
    try:
        with database.reading() as session:
            one, several = (CallRecord, CallRecord.call), (CallLeg, CallLeg.leg)
            counts = [
                session.scalar(select(what).select_from(table)) or 0
                for table, column in (one, several)
                for what in (func.count(), func.count(func.distinct(column)))
            ]
        return OnRecord(*counts)
    finally:
        database.close()


@dataclass
class Books:
    """What a scenario began with, to be compared with what it leaves."""

    scene: Scene
    payer: str
    before: OnRecord
    leases_before: int
    used_before: int

    def closed(self, calls: int, legs: int, granted: int, talked: tuple[int, int]) -> None:
        """Wait until nothing is open or unread; then so many calls and legs are new, each once; so many leases; and
        seconds of talk between these two."""
        scene = self.scene
        with gevent.Timeout(PATIENCE):
            while (
                any(lease.state is LeaseState.OPEN for lease in leases(scene, self.payer))
                or any(scene.installation.config.records.glob("*.cdr.xml"))
                or on_record(scene).calls < self.before.calls + calls
            ):
                gevent.sleep(0.1)
        # What comes too often would come now.
        gevent.sleep(0.7)
        after = on_record(scene)
        assert (after.calls - self.before.calls, after.legs - self.before.legs) == (calls, legs)
        assert (after.calls, after.legs) == (after.call_names, after.leg_names)
        assert len(leases(scene, self.payer)) - self.leases_before == granted
        total = used(scene, self.payer)
        assert talked[0] <= total.seconds - self.used_before <= talked[1]
        assert (total.reserved, total.charged) == (0, total.seconds)
        assert audited(scene) == []


def audited(scene: Scene) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(
        scene.installation.bizpbx("usage", "audit", "--json", "--organisation", ACME)
    )
    return found


@pytest.fixture
def books(scene: Scene, empty_books: None) -> Callable[[str], Books]:
    """The books of an extension."""

    def opened(payer: str) -> Books:
        return Books(scene, payer, on_record(scene), len(leases(scene, payer)), used(scene, payer).seconds)

    return opened


def dies_at(scene: Scene, point: Point) -> None:
    """Start the first controller anew, so that it dies there."""
    first = scene.installation.controllers[0]
    first.kill()
    first.start(BIZPBX_TESTING="1", BIZPBX_DIE_AT=point.value, BIZPBX_LEASE_GRACE=GRACE)


def comes_back(scene: Scene) -> None:
    """It is dead by now, or soon, by its own hand; then start it as ever."""
    first = scene.installation.controllers[0]
    assert first.died(within=PATIENCE)
    first.start(BIZPBX_LEASE_GRACE=GRACE)


def calls_out(scene: Scene, user: str, hangup_after: float = 1.6) -> PlacedCall:
    return scene.installation.world.place(scene.registered(f"{user}-ip_phone"), OUTSIDE, hangup_after=hangup_after)


def ended_well(result: CallResult) -> None:
    assert (result.code, result.ended_by) == (200, "caller")


@pytest.mark.parametrize("point", [pytest.param(Point.BEFORE_RESERVATION, marks=pytest.mark.thorough), Point.RESERVED])
@pytest.mark.thorough
def test_killed_before_the_bridge_nothing_is_dialled_and_what_was_granted_is_given_back(
    scene: Scene, books: Callable[[str], Books], point: Point
) -> None:
    limit(scene, "101", 600)
    opened = books("101")
    dies_at(scene, point)
    # Without a controller nothing that costs is dialled.
    assert calls_out(scene, "101").result().code == 403
    comes_back(scene)
    opened.closed(calls=1, legs=1, granted=1 if point is Point.RESERVED else 0, talked=(0, 0))
    assert scene.carrier.incoming == []


@pytest.mark.parametrize("moment", [180, 200], ids=["ringing", "answered"])
@pytest.mark.thorough
def test_killed_during_the_call_it_goes_on_and_is_charged_once(
    scene: Scene, books: Callable[[str], Books], moment: int
) -> None:
    limit(scene, "103", 600)
    opened = books("103")
    scene.carrier = scene.installation.world.carrier(scene.carrier.port, answers(0.8))
    placed = calls_out(scene, "103")
    placed.wait_for(moment)
    scene.installation.controllers[0].kill()
    ended_well(placed.result())
    comes_back(scene)
    opened.closed(calls=1, legs=2, granted=1, talked=(1, 3))


@pytest.mark.parametrize(
    "point",
    [pytest.param(point, marks=pytest.mark.thorough) for point in (Point.HANGING_UP, Point.ON_RECORD)]
    + [Point.SETTLING],
)
def test_killed_after_the_call_it_is_on_record_once(scene: Scene, books: Callable[[str], Books], point: Point) -> None:
    limit(scene, "104", 600)
    opened = books("104")
    dies_at(scene, point)
    ended_well(calls_out(scene, "104").result())
    comes_back(scene)
    opened.closed(calls=1, legs=2, granted=1, talked=(1, 3))


@pytest.mark.thorough
def test_killed_between_renewing_and_telling_the_switch_the_next_controller_tells_it(
    scene: Scene, books: Callable[[str], Books]
) -> None:
    """Given twenty seconds, and much more during the call, which talks for twenty-three."""
    limit(scene, "100", 20)
    opened = books("100")
    dies_at(scene, Point.RENEWED)
    placed = calls_out(scene, "100", hangup_after=23.0)
    placed.wait_for(200, timeout=20)
    limit(scene, "100", 600)
    comes_back(scene)
    ended_well(placed.result(timeout=60.0))
    opened.closed(calls=1, legs=2, granted=1, talked=(22, 25))


@pytest.mark.parametrize("point", [Point.BEFORE_RESERVATION, Point.RESERVED])
@pytest.mark.thorough
def test_the_second_controller_goes_on_with_the_reservation_of_the_first(
    scene: Scene, books: Callable[[str], Books], point: Point
) -> None:
    limit(scene, "102", 600)
    opened = books("102")
    scene.installation.controllers[1].start(BIZPBX_LEASE_GRACE=GRACE)
    dies_at(scene, point)
    ended_well(calls_out(scene, "102").result())
    comes_back(scene)
    opened.closed(calls=1, legs=2, granted=1, talked=(1, 3))
    assert len(scene.carrier.incoming) == 1


@pytest.mark.parametrize("also_the_controller", [False, True], ids=["switch", "switch-and-controller"])
def test_the_leases_of_a_switch_that_died_are_settled_by_what_was_seen_last(
    scene: Scene, books: Callable[[str], Books], also_the_controller: bool
) -> None:
    if scene.installation.kind is SwitchKind.SIMULATOR:
        pytest.skip("the simulator is part of this process, which cannot be killed")
    payer = "104" if also_the_controller else "101"
    limit(scene, payer, 600)
    before = books(payer)
    controller = scene.installation.controllers[0]
    controller.kill()
    controller.start(BIZPBX_LEASE_GRACE=GRACE)
    # Its caller hears nothing of the end, so nobody waits for that.
    calls_out(scene, payer, hangup_after=60.0).wait_for(200)

    def seen_for() -> float:
        lease = leases(scene, payer)[-1]
        if lease.answered_at is None or lease.seen_at is None:
            return 0.0
        return (lease.seen_at - lease.answered_at).total_seconds()

    with gevent.Timeout(PATIENCE):
        while seen_for() < SEEN:
            gevent.sleep(0.1)
    if also_the_controller:
        controller.kill()
    scene.installation.restart_switch()
    scene.disturbed |= set(scene.passwords)
    if also_the_controller:
        controller.start(BIZPBX_LEASE_GRACE=GRACE)
    with gevent.Timeout(PATIENCE):
        while leases(scene, payer)[-1].state is LeaseState.OPEN:
            gevent.sleep(0.1)
    assert leases(scene, payer)[-1].state is LeaseState.PRESUMED
    after = used(scene, payer)
    assert SEEN <= after.seconds - before.used_before <= PATIENCE
    assert (after.reserved, after.charged) == (0, after.seconds)
    # Told, and no fault: the command ends with 0.
    assert {finding["kind"] for finding in audited(scene)} == {"presumed"}
