"""Controllers out of one process that has imported everything: a start takes a tenth of the time and of the CPU.

Each is as real as any other, with a process and an environment of its own, and dies of SIGKILL. Where many are started
one after the other, as in the tests, that is what they would spend most of their time on.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class Prefork:
    """A context manager; leaving it ends what it has started."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "bizpbx.testbed.prefork"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._parent.communicate()

    def start(self, folder: Path, environment: Mapping[str, str], log: Path) -> Forked:
        """`bizpbx serve` in this folder and environment; what it prints is added to `log`."""
        about = {"folder": str(folder), "environment": dict(environment), "log": str(log)}
        return Forked(self, int(self.ask({"start": about})))

    def ask(self, question: dict[str, Any]) -> Any:
        assert self._parent.stdin is not None and self._parent.stdout is not None
        with self._lock:
            self._parent.stdin.write(json.dumps(question).encode() + b"\n")
            self._parent.stdin.flush()
            return json.loads(self._parent.stdout.readline())


class Forked:
    """A program, as `subprocess.Popen` has it. Its number is nobody else's until its end has been seen."""

    def __init__(self, parent: Prefork, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._parent = parent

    def poll(self) -> int | None:
        return self._ended("poll")

    def wait(self) -> int:
        code = self._ended("wait")
        assert code is not None
        return code

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _ended(self, question: str) -> int | None:
        if self.returncode is None:
            self.returncode = self._parent.ask({question: self.pid})
        return self.returncode

    def _signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


def serve() -> None:
    """The process that the others come from: a question a line, and an answer to each, until there are no more."""
    from gevent import monkey

    monkey.patch_all()
    from bizpbx.controller import daemon

    # What each child collects is its own: looking through this as well would copy all of it.
    gc.collect()
    gc.freeze()
    # Nothing has run in the loop of gevent here, so that each child begins with one of its own.
    fork, wait = (monkey.get_original("os", name) for name in ("fork", "waitpid"))
    running: set[int] = set()
    for line in sys.stdin.buffer:
        ((question, about),) = json.loads(line).items()
        answer: int | None
        if question == "start":
            answer = fork()
            if answer == 0:
                become(about)
                os._exit(_code(daemon.main))
            assert answer is not None
            running.add(answer)
        else:
            ended, status = wait(about, 0 if question == "wait" else os.WNOHANG)
            running.discard(ended)
            answer = os.waitstatus_to_exitcode(status) if ended else None
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()
    for pid in running:
        os.kill(pid, signal.SIGKILL)


def become(about: Mapping[str, Any]) -> None:
    """Let go of the pipes, and take on folder, environment and log."""
    os.chdir(about["folder"])
    os.environ.clear()
    os.environ.update(about["environment"])
    log = os.open(about["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for there, here in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(there, here)
    os.close(nothing)
    os.close(log)


def _code(main: Any) -> int:
    try:
        return int(main())
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


if __name__ == "__main__":
    serve()
