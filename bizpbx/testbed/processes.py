"""Programs of the testbed: started so that they end with us, waited for without polling, ended for certain."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol


class Program(Protocol):
    """What of `subprocess.Popen` it takes to see a program to its end."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    def poll(self) -> int | None: ...

    def wait(self) -> int: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...


def start(command: Sequence[str], folder: Path, output: Path) -> subprocess.Popen[bytes]:
    """Run a program from PATH in `folder` with both its outputs in a file and nothing to read.

    Should this process be killed, the kernel ends the program, where `setpriv` is there to ask it to. (The kernel
    watches the thread that starts the program, so this is asked of it from the main thread only.)
    """
    guard: list[str] = []
    if shutil.which("setpriv") and threading.current_thread() is threading.main_thread():
        guard = ["setpriv", "--pdeathsig", "KILL", "--"]
    with output.open("ab") as sink:
        whole = [*guard, *command]
        return subprocess.Popen(whole, cwd=folder, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink)  # noqa: S603 - a list, no shell


def ended(process: Program, timeout: float) -> bool:
    """Wait for a program's end; False if it still runs after `timeout` seconds. Returns the moment it ends."""
    if process.poll() is not None:
        return True
    try:
        handle = os.pidfd_open(process.pid)
    except (AttributeError, OSError):
        return ended_by_polling(process, timeout)
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        poll.poll(max(0, int(timeout * 1000)))
    finally:
        os.close(handle)
    return process.poll() is not None


def ended_by_polling(process: Program, timeout: float) -> bool:
    """The same on a kernel without process handles."""
    deadline = time.monotonic() + timeout
    while process.poll() is None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def stop(process: Program, grace: float) -> None:
    """End a program: SIGTERM, and SIGKILL after `grace` seconds (at once with 0)."""
    if process.poll() is not None:
        return
    if grace > 0:
        process.terminate()
        if ended(process, grace):
            return
    process.kill()
    process.wait()
