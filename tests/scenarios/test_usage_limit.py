"""What an extension may use in a month: granted before it is dialled, ended by the switch when it has run out."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal

import gevent
import pytest
from sqlalchemy import select

from bizpbx.directory.database import Database
from bizpbx.freeswitch.rendering import stored_password
from bizpbx.metering.lease import Charge, Lease, LeaseState
from bizpbx.metering.usage import UsageMonth
from bizpbx.testbed.event_socket import EventSocket
from bizpbx.testbed.world import EndedBy, answers
from tests.scenarios.conftest import Scene

pytestmark = pytest.mark.usefixtures("empty_books")

NOBODY_HANGS_UP = 180.0


@dataclass(frozen=True)
class Used:
    """Of one extension, over all months: what its rows say, and what its charges come to."""

    seconds: int
    reserved: int
    charged: int


def used(scene: Scene, extension: str) -> Used:
    database = Database(scene.installation.config.database)
    try:
        with database.reading() as session:
            rows = session.scalars(select(UsageMonth).where(UsageMonth.extension == extension)).all()
            charges = session.scalars(select(Charge.seconds).where(Charge.extension == extension)).all()
        return Used(sum(r.used_seconds for r in rows), sum(r.reserved_seconds for r in rows), sum(charges))
    finally:
        database.close()


def leases(scene: Scene, extension: str) -> list[Lease]:
    database = Database(scene.installation.config.database)
    try:
        with database.reading() as session:
            return list(session.scalars(select(Lease).where(Lease.extension == extension).order_by(Lease.id)))
    finally:
        database.close()


def settled(scene: Scene, extension: str, within: float = 10.0) -> Used:
    """The usage once every leg of the extension has its record."""
    with gevent.Timeout(within):
        while any(lease.state is LeaseState.OPEN for lease in leases(scene, extension)):
            gevent.sleep(0.1)
    return used(scene, extension)


def limit(scene: Scene, extension: str, seconds: int) -> None:
    """Let it talk so many seconds more than it has, each of which costs a cent."""
    value = Decimal(used(scene, extension).seconds + seconds) / 100
    scene.set("extension", extension, f"usage_limit={{kind: amount, value: '{value:.2f}'}}")


def test_a_call_that_reaches_the_limit_is_cut_by_the_switch_and_its_caller_is_told(scene: Scene) -> None:
    before = used(scene, "101").seconds
    limit(scene, "101", 6)
    result = scene.from_phone("101-ip_phone", "61234567", hangup_after=NOBODY_HANGS_UP, timeout=40.0)
    assert result.code == 200
    assert result.ended_by is EndedBy.CALLEE
    after = settled(scene, "101")
    assert 5 <= after.seconds - before <= 6
    assert (after.reserved, after.charged) == (0, after.seconds)
    # Nothing is left: the next call is refused, and the carrier does not hear of it.
    scene.carrier.forget()
    assert scene.from_phone("101-ip_phone", "61234567").code == 403
    assert scene.carrier.incoming == []


def test_what_was_not_talked_is_given_back(scene: Scene) -> None:
    before = used(scene, "102").seconds
    limit(scene, "102", 600)
    assert scene.from_phone("102-ip_phone", "61234567", hangup_after=1.6).code == 200
    after = settled(scene, "102")
    assert after.seconds - before == 2
    assert (after.reserved, after.charged) == (0, after.seconds)
    # Nor does the switch keep in mind when to end a leg that is gone.
    installation = scene.installation
    with closing(EventSocket(installation.esl_port, stored_password(installation.tree) or "")) as switch:
        assert switch.api(f"sched_del {leases(scene, '102')[-1].leg}").strip() == "+OK Deleted: 0"


def test_a_call_that_nobody_answers_costs_nothing(scene: Scene) -> None:
    limit(scene, "103", 600)
    before = settled(scene, "103")
    scene.carrier = scene.installation.world.carrier(scene.carrier.port, answers(30.0))
    assert scene.from_phone("103-ip_phone", "61234567", cancel_after=0.5).code != 200
    assert settled(scene, "103") == before


def test_internal_and_emergency_calls_have_no_lease(scene: Scene) -> None:
    limit(scene, "104", 0)
    scene.phone("102-ip_phone", answers(0.1))
    assert scene.from_phone("104-ip_phone", "102", hangup_after=0.2).code == 200
    assert scene.from_phone("104-ip_phone", "999", hangup_after=0.2).code == 200
    assert scene.from_phone("104-ip_phone", "61234567").code == 403
    assert leases(scene, "104") == []


def test_a_forward_is_paid_for_by_its_owner(scene: Scene) -> None:
    before, callers = used(scene, "102"), used(scene, "101")
    scene.set(
        "extension", "102", "usage_limit={kind: none}", "incoming.forwarding={enabled: true, number: '+6591234567'}"
    )
    assert scene.from_phone("101-ip_phone", "102", hangup_after=1.0).code == 200
    assert settled(scene, "102").seconds - before.seconds == 1
    assert used(scene, "101") == callers


def test_a_forward_that_its_owner_cannot_pay_for_is_not_dialled(scene: Scene) -> None:
    limit(scene, "102", 0)
    scene.set("extension", "102", "incoming.forwarding={enabled: true, number: '+6591234567'}")
    assert scene.from_phone("101-ip_phone", "102").code == 480
    assert scene.carrier.incoming == []


@pytest.mark.thorough
def test_a_long_call_is_renewed_before_it_runs_out(scene: Scene) -> None:
    """Given twelve seconds, and a limit that is raised while it talks for fourteen."""
    limit(scene, "103", 12)
    placed = scene.installation.world.place(scene.registered("103-ip_phone"), "61234567", hangup_after=14.0)
    placed.wait_for(200)
    assert leases(scene, "103")[-1].granted_seconds == 12
    limit(scene, "103", 600)
    result = placed.result(timeout=60.0)
    assert (result.code, result.ended_by) == (200, EndedBy.CALLER)
    assert (leases(scene, "103")[-1].granted_seconds or 0) > 14
    assert settled(scene, "103").reserved == 0


@pytest.mark.thorough
def test_a_limit_holds_without_any_controller(scene: Scene) -> None:
    """A quarter of a minute, a call of three, and the controller is killed five seconds after the answer."""
    limit(scene, "100", 15)
    placed = scene.installation.world.place(scene.registered("100-ip_phone"), "61234567", hangup_after=NOBODY_HANGS_UP)
    placed.wait_for(200)
    gevent.sleep(5)
    scene.installation.controllers[0].kill()
    result = placed.result(timeout=90.0)
    assert result.ended_by is EndedBy.CALLEE
    assert 14.0 <= result.duration <= 16.0
    assert used(scene, "100") == Used(0, 15, 0)
    scene.installation.controllers[0].start()
    after = settled(scene, "100", within=30.0)
    assert 14 <= after.seconds <= 15
    assert (after.reserved, after.charged) == (0, after.seconds)
