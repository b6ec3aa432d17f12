"""A test that cannot run is skipped out loud, or fails where it must run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bizpbx.testbed import requirements

ROOT = Path(__file__).parents[2]
TEST = """
import pytest

@pytest.mark.freeswitch
def test_live():
    pass

def test_plain():
    pass
"""


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, require: str) -> subprocess.CompletedProcess[str]:
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("BIZPBX_REQUIRE", require)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (folder / "test_sample.py").write_text(TEST)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = freeswitch: needs a switch\n")
    command = [sys.executable, "-m", "pytest", "-p", "tests.testbed.requirement_hooks", "-p", "no:cacheprovider"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_missing_switch_is_counted_on_the_last_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run(tmp_path, monkeypatch, require="")
    assert done.returncode == 0
    last = done.stdout.strip().splitlines()[-1]
    assert last.startswith("NOT RUN: 1 tests that need freeswitch. freeswitch and sipp are not on PATH")


def test_a_missing_switch_fails_where_it_is_required(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run(tmp_path, monkeypatch, require="postgres, freeswitch")
    assert done.returncode == 1
    assert "BIZPBX_REQUIRE asks for freeswitch" in done.stdout


def test_a_requirement_that_nobody_knows_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run(tmp_path, monkeypatch, require="freeswich")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "BIZPBX_REQUIRE names freeswich; it knows freeswitch, asterisk, postgres." in done.stderr


def test_says_what_is_missing() -> None:
    assert requirements.Switch(Path("/a"), Path("/b")).missing == ""
    assert requirements.Switch(None, Path("/b")).missing.startswith("freeswitch is not on PATH")
    assert requirements.Switch(None, None).missing.startswith("freeswitch and sipp are not")
