from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from bizpbx.testbed import processes
from bizpbx.testbed.freeswitch_process import running_profiles

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
)


def run(folder: Path, code: str) -> subprocess.Popen[bytes]:
    return processes.start([sys.executable, "-c", code], folder, folder / "output.log")


def test_waits_no_longer_than_the_program_runs(tmp_path: Path) -> None:
    process = run(tmp_path, "print('done')")
    assert processes.ended(process, 10)
    assert (tmp_path / "output.log").read_text() == "done\n"


def test_tells_that_a_program_still_runs(tmp_path: Path) -> None:
    process = run(tmp_path, "import time; time.sleep(60)")
    assert not processes.ended(process, 0.05)
    assert not processes.ended_by_polling(process, 0.05)
    processes.stop(process, grace=5)
    assert process.returncode == -15


def test_a_program_that_does_not_want_to_end(tmp_path: Path) -> None:
    process = run(tmp_path, STUBBORN)
    deadline = time.monotonic() + 5
    while "ready" not in (tmp_path / "output.log").read_text() and time.monotonic() < deadline:
        time.sleep(0.01)
    processes.stop(process, grace=0.1)
    assert process.returncode == -9


def test_reads_which_profiles_run() -> None:
    status = (
        "                     Name\t   Type\t Data\tState\n"
        "=====\n"
        "                 internal\tprofile\tsip:mod_sofia@127.0.0.1:5060\tRUNNING (0)\n"
        "        external::carrier\tgateway\tsip:x@127.0.0.1\tNOREG\n"
        "                 external\tprofile\tsip:mod_sofia@127.0.0.1:5080\tDOWN\n"
    )
    assert running_profiles(status) == {"internal"}
