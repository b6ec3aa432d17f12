"""Two hundred metered calls, and in the middle of them the switch, the database or the disk of the records fails.
Afterwards the books are clean: every call is on record once and charged once, or settled by what was seen of it last.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest
from sqlalchemy import func, select

from bizpbx.directory.database import Database
from bizpbx.metering.call_record import CallLeg, CallRecord
from bizpbx.metering.lease import Lease, LeaseState
from bizpbx.testbed.installation import Installation, SwitchKind
from bizpbx.testbed.sipp.load import LoadResult, load
from bizpbx.testbed.sipp.real_world import SippWorld
from tests.postgres import Server, cluster, programs
from tests.scenarios.conftest import Scene, staged
from tests.scenarios.test_metering_survives import GRACE, OUTSIDE, PATIENCE, audited, on_record
from tests.scenarios.test_usage_limit import leases, used

pytestmark = [
    pytest.mark.freeswitch,
    pytest.mark.postgres,
    pytest.mark.thorough,
    pytest.mark.alone,
    pytest.mark.timeout(900),
    pytest.mark.usefixtures("one_rush"),
]

CALLS, RATE, TALKS = 200, 8.0, 1.0
MIDDLE = CALLS / 2
UNTIL_THE_MIDDLE = 180.0
"""Seconds: four times what it takes where other tests run meanwhile."""
PAYER = "102"
DISK = "16m"


@pytest.fixture
def one_rush(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Two hundred calls fill a machine: of several workers, one has them at a time."""
    with (tmp_path_factory.getbasetemp().parent / "rush.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture
def server(one_rush: None) -> Iterator[Server]:
    """A PostgreSQL of its own, which loses nothing when it is restarted."""
    found = programs()
    assert found is not None
    with cluster(found, fsync=True) as made:
        yield made


@pytest.fixture
def scene(request: pytest.FixtureRequest, server: Server, tmp_path: Path) -> Iterator[Scene]:
    if "small_disk" in request.fixturenames:
        # It is there before the installation is.
        request.getfixturevalue("small_disk")
    with Installation(
        SwitchKind.FREESWITCH, tmp_path / "installation", database_url=server.new_database()
    ) as installation:
        made = staged(installation)
        controller = installation.controllers[0]
        controller.kill()
        controller.start(BIZPBX_LEASE_GRACE=GRACE)
        # Ten minutes for each of the calls: on a busy machine all of them may be under way at once.
        made.set("extension", PAYER, "guard.concurrent_calls=off", "usage_limit={kind: minutes, value: '3000'}")
        yield made


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a few megabytes, where this user may mount one, for the records of the switch."""
    folder = tmp_path / "installation" / "home" / "spool"
    folder.mkdir(parents=True)
    folder.parent.chmod(0o700)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=2770", "bizpbx-test", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a disk that can be filled needs the right to mount one")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


class Rush:
    """The calls, placed by a thread of their own."""

    def __init__(self, scene: Scene, *, all_end: bool = True) -> None:
        self.scene = scene
        self._all_end = all_end
        self.result: LoadResult | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        world = self.scene.installation.world
        assert isinstance(world, SippWorld)
        caller = self.scene.registered(f"{PAYER}-ip_phone")
        self.result = load(world, caller, OUTSIDE, calls=CALLS, rate=RATE, talks=TALKS, all_end=self._all_end)

    def wait_for_the_middle(self) -> None:
        # On one connection: a new one each time would take from the calls what they need.
        database = Database(self.scene.installation.config.database)
        try:
            with gevent.Timeout(UNTIL_THE_MIDDLE):
                while self._granted(database) < MIDDLE:
                    assert self._thread.is_alive(), f"the calls ended before there were {MIDDLE:.0f}: {self.result}"
                    gevent.sleep(0.1)
        finally:
            database.close()

    def _granted(self, database: Database) -> int:
        with database.reading() as session:
            return session.scalar(select(func.count(Lease.id)).where(Lease.extension == PAYER)) or 0

    def ended(self) -> LoadResult:
        self._thread.join(CALLS / RATE + 2 * PATIENCE)
        assert self.result is not None
        return self.result


def closed(scene: Scene) -> None:
    """Wait until no lease is open and no file is unread, and then a little longer: what comes twice would come now."""
    deadline = time.monotonic() + 2 * PATIENCE
    while (left := left_over(scene)) and time.monotonic() < deadline:
        gevent.sleep(0.5)
    assert left == []
    gevent.sleep(2.0)


def left_over(scene: Scene) -> list[str]:
    """Open leases, and files that are unread."""
    still_open = (lease for lease in leases(scene, PAYER) if lease.state is LeaseState.OPEN)
    return [
        *(f"{lease.leg}: answered {lease.answered_at}, seen {lease.seen_at}" for lease in still_open),
        *sorted(file.name for file in scene.installation.config.records.glob("*.cdr.xml")),
    ]


def everything_once(scene: Scene) -> None:
    found = on_record(scene)
    assert (found.calls, found.legs) == (found.call_names, found.leg_names)
    total = used(scene, PAYER)
    assert (total.reserved, total.charged) == (0, total.seconds)


def talked_on_record(scene: Scene) -> int:
    """How many calls have a record that says they were answered."""
    database = Database(scene.installation.config.database)
    try:
        with database.reading() as session:
            return session.scalar(select(func.count()).where(CallRecord.answered.is_not(None))) or 0
    finally:
        database.close()


def answered_legs(scene: Scene) -> int:
    """How many legs to the gateway were answered, as their records say."""
    database = Database(scene.installation.config.database)
    try:
        with database.reading() as session:
            answered = CallLeg.gateway.is_not(None) & CallLeg.answered.is_not(None)
            return session.scalar(select(func.count()).where(answered)) or 0
    finally:
        database.close()


def in_state(scene: Scene, state: LeaseState) -> int:
    return sum(lease.state is state for lease in leases(scene, PAYER))


def test_postgresql_is_restarted(scene: Scene, server: Server) -> None:
    rush = Rush(scene)
    rush.wait_for_the_middle()
    server.restart()
    result = rush.ended()
    closed(scene)
    # Who called while it was away was turned away, at worst; nobody who was connected was cut off.
    assert result.answered >= CALLS * 0.8
    assert on_record(scene).calls == CALLS
    assert talked_on_record(scene) == answered_legs(scene) == in_state(scene, LeaseState.SETTLED) == result.answered
    everything_once(scene)
    assert audited(scene) == []


def test_the_disk_of_the_records_is_full(small_disk: Path, scene: Scene) -> None:
    rush = Rush(scene)
    rush.wait_for_the_middle()
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(os.urandom(1 << 16))
    gevent.sleep(5.0)
    assert os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize < 1 << 16
    filler.unlink()
    result = rush.ended()
    closed(scene)
    assert result.answered == CALLS
    assert on_record(scene).calls == CALLS
    assert talked_on_record(scene) == answered_legs(scene) == in_state(scene, LeaseState.SETTLED) == CALLS
    everything_once(scene)
    assert audited(scene) == []


def test_the_switch_is_restarted(scene: Scene) -> None:
    rush = Rush(scene, all_end=False)
    rush.wait_for_the_middle()
    # What the controller has seen of the calls under way is what they are charged by.
    scene.installation.restart_switch()
    result = rush.ended()
    closed(scene)
    everything_once(scene)
    # Every call that its caller saw answered is on record, or was cut by the crash and settled by the last word on it.
    presumed = in_state(scene, LeaseState.PRESUMED)
    assert answered_legs(scene) == in_state(scene, LeaseState.SETTLED)
    assert answered_legs(scene) <= result.answered <= answered_legs(scene) + presumed
    assert result.answered > MIDDLE
    assert {finding["kind"] for finding in audited(scene)} <= {"presumed"}
    assert sum(finding["kind"] == "presumed" for finding in audited(scene)) == presumed
