"""The process `bizpbx serve` becomes: how it starts, what it says when it cannot, how it stops."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bizpbx.testbed.installation import Installation, SwitchKind
from bizpbx.testbed.prefork import Prefork
from bizpbx.testbed.world import answers
from tests.databases import prepared

SETTINGS = """
organisation: {name: Acme, domain: acme.example, timezone: Asia/Singapore, country: SG, currency: SGD}
licences: {ip_phone: 2}
extensions:
  - {key: "101", label: Sales, devices: {ip_phone: {}}}
  - {key: "102", label: Support, devices: {ip_phone: {}}}
"""


@pytest.fixture
def installation(prefork: Prefork, migrated_file: Path, tmp_path: Path) -> Iterator[Installation]:
    folder = prepared(migrated_file, tmp_path / "installation")
    with Installation(SwitchKind.SIMULATOR, folder, prefork=prefork) as made:
        yield made


def environment(folder: Path, **variables: str) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("BIZPBX_")}
    return ours | {"BIZPBX_HOME": str(folder / "home"), **variables}


def serve(prefork: Prefork, folder: Path, **variables: str) -> tuple[int, str]:
    """Run the daemon where it cannot start: its exit code, and what it says."""
    log = folder / "said"
    log.unlink(missing_ok=True)
    return prefork.start(folder, environment(folder, **variables), log).wait(), log.read_text()


def test_the_command_says_on_stderr_what_it_cannot_start_with(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bizpbx", "serve"],
        env=environment(tmp_path, BIZPBX_LOG="loud"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "BIZPBX_LOG" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"BIZPBX_LOG": "loud"}, "BIZPBX_LOG"),
        ({"BIZPBX_DEVICES_PORT": "none"}, "BIZPBX_DEVICES_PORT"),
        ({"BIZPBX_DATABASE_URL": "mysql://host/db"}, "BIZPBX_DATABASE_URL names mysql"),
        ({}, "run `bizpbx init`"),
    ],
)
def test_what_it_cannot_start_with_is_told_in_a_sentence(
    prefork: Prefork, tmp_path: Path, variables: dict[str, str], told: str
) -> None:
    code, said = serve(prefork, tmp_path, **variables)
    assert code == 1
    assert told in said and "Traceback" not in said


@pytest.mark.parametrize("variable", ["BIZPBX_CALL_LISTEN", "BIZPBX_HTTP_LISTEN"])
def test_an_address_that_is_none_or_taken_is_told(prefork: Prefork, installation: Installation, variable: str) -> None:
    ours = {name: value for name, value in installation.environment.items() if name.startswith("BIZPBX_")}
    code, said = serve(prefork, installation.folder, **ours | {variable: "8084"})
    assert (code, variable in said) == (1, True)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, said = serve(prefork, installation.folder, **ours | {variable: address})
    assert code == 1
    assert "Cannot listen" in said and "Traceback" not in said


def test_it_starts_tells_its_health_and_stops_on_sigterm(installation: Installation) -> None:
    installation.apply(SETTINGS)
    (controller,) = installation.controllers
    controller.start()
    assert controller.get("/health") == (200, {"status": "ok"})
    status, ready = controller.get("/ready")
    # No switch runs, so it is alive and not ready.
    assert (status, ready["checks"]) == (503, {"database": True, "calls": True, "switch local": "not connected"})
    assert controller.stop() == 0
    log = controller.log.read_text()
    assert "controller.started" in log and "controller.stopped" in log and "Traceback" not in log


def test_a_fault_in_deciding_lets_the_dialplan_go_on(installation: Installation) -> None:
    installation.apply(SETTINGS)
    passwords = {key: installation.credentials("acme.example", key, "ip_phone")[1] for key in ("101", "102")}
    installation.render()
    (controller,) = installation.controllers
    controller.start()
    world = installation.start_switch()
    caller = world.phone("acme.example", "101-ip_phone", passwords["101"])
    phone = world.phone("acme.example", "102-ip_phone", passwords["102"], answers(0.1))
    assert world.call(caller, "102").code == 200
    # The table that every decision reads is gone.
    with sqlite3.connect(installation.config.home / "bizpbx.db") as database:
        database.execute("ALTER TABLE organisation RENAME TO lost")
    assert world.call(caller, "102").code == 200
    assert len(phone.incoming) == 2
    log = controller.log.read_text()
    assert log.count('"ended": "fault"') == 2  # both `socket` actions of the chain
    assert controller.get("/ready")[0] == 503
    # It is the same process that goes on once the database is back.
    with sqlite3.connect(installation.config.home / "bizpbx.db") as database:
        database.execute("ALTER TABLE lost RENAME TO organisation")
    assert world.call(caller, "102").code == 200
    assert controller.log.read_text().count('"ended": "fault"') == 2


def test_the_tree_is_brought_up_to_date_without_being_asked(installation: Installation) -> None:
    installation.apply(SETTINGS)
    (controller,) = installation.controllers
    controller.start()
    file = installation.tree / "directory" / "bizpbx-acme.example.xml"
    deadline = time.monotonic() + 60
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert file.exists(), controller.log.read_text()
    assert "101-ip_phone" in file.read_text()
