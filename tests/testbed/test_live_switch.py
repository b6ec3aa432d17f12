"""Starting, watching and ending a real FreeSWITCH."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bizpbx.testbed.freeswitch_process import FreeSwitch
from bizpbx.testbed.ports import Ports, is_free
from bizpbx.testbed.world import TestbedError

from . import static_switch as static
from .static_switch import Static, static_switch

pytestmark = pytest.mark.freeswitch


def test_answers_the_event_socket(switch: Static) -> None:
    assert "FreeSWITCH" in switch.process.api("version")
    assert switch.process.api("eval ${hostname}").strip()


def test_tells_what_it_costs(switch: Static) -> None:
    before = switch.process.usage
    assert before.cpu > 0
    assert 10_000_000 < before.rss < 1_000_000_000


def test_writes_a_log(switch: Static) -> None:
    assert "sofia" in switch.process.log.read_text("utf-8", "replace")


def test_runs_as_the_current_user_without_core_files(switch: Static) -> None:
    assert Path(f"/proc/{switch.process.pid}").stat().st_uid == os.getuid()
    limits = Path(f"/proc/{switch.process.pid}/limits").read_text()
    core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert core.split()[4] == "0"


def test_a_command_with_a_line_break_is_not_sent(switch: Static) -> None:
    with pytest.raises(ValueError, match="one line"):
        switch.process.api("version\n\napi shutdown")


def test_two_at_the_same_time_and_killed(tmp_path: Path) -> None:
    with static_switch(tmp_path / "one") as one, static_switch(tmp_path / "two") as two:
        assert one.process.pid != two.process.pid
        assert "FreeSWITCH" in one.process.api("version") + two.process.api("version")
        one.process.kill()
        assert "FreeSWITCH" in two.process.api("version")
        with pytest.raises(TestbedError):
            one.process.api("version")
        with pytest.raises(TestbedError):
            _ = one.process.usage
    assert two.process.process.poll() is not None


def test_stops_in_order(tmp_path: Path) -> None:
    with static_switch(tmp_path) as running:
        running.process.stop()
        assert running.process.process.returncode == 0


def test_a_tree_that_does_not_start_is_told_at_once(tmp_path: Path) -> None:
    conf = tmp_path / "conf"
    conf.mkdir()
    (conf / "freeswitch.xml").write_text("<document><section>")
    with Ports() as ports, pytest.raises(TestbedError, match="ended while it started"):
        FreeSwitch(conf, ports.one(), "any", folder=tmp_path / "switch")


def test_a_profile_that_never_runs_is_named(tmp_path: Path) -> None:
    with Ports() as ports:
        first = ports.block(4)
        static.write(tmp_path / "conf", first, first + 1, first + 2, first + 3, ports.block(static.RTP_PORTS), "")
        with pytest.raises(TestbedError, match="no SIP profile webrtc"):
            FreeSwitch(
                tmp_path / "conf",
                first,
                static.ESL_PASSWORD,
                profiles=("internal", "webrtc"),
                folder=tmp_path / "switch",
                ready_within=4,
            )
        assert is_free(first)


def test_it_ends_with_the_program_that_started_it(tmp_path: Path) -> None:
    program = (
        "import os, sys, time; from pathlib import Path; from testbed_static import static_switch\n"
        "with static_switch(Path(sys.argv[1])) as running:\n"
        "    print(running.process.pid, flush=True); time.sleep(60)\n"
    )
    (tmp_path / "testbed_static.py").write_text(Path(static.__file__).read_text())
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "switch")], stdout=subprocess.PIPE, text=True, cwd=tmp_path
    )
    assert parent.stdout is not None
    with parent.stdout:
        pid = int(parent.stdout.readline())
        assert alive(pid)
        parent.kill()
        parent.wait()
    deadline = time.monotonic() + 5
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(pid)


def alive(pid: int) -> bool:
    """Whether this process runs (one that has ended and waits to be noticed does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False
