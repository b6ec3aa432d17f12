"""A real FreeSWITCH on a configuration tree: started, waited for, watched, ended."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from bizpbx.testbed import certificates, processes
from bizpbx.testbed.event_socket import EventSocket
from bizpbx.testbed.requirements import which_switch
from bizpbx.testbed.world import TestbedError

__all__ = ["FreeSwitch", "Usage", "which_switch"]

FOLDERS = (
    "log",
    "run",
    "db",
    "temp",
    "storage",
    "recordings",
    "cache",
    "certs",
    "scripts",
    "grammar",
    "htdocs",
    "sounds",
)
POLL = 0.005
PAGE = os.sysconf("SC_PAGE_SIZE")
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """`cpu` in seconds of user and system time since the start, `rss` in bytes."""

    cpu: float
    rss: int


class FreeSwitch:
    """A FreeSWITCH of its own, as the current user and without a console, on the tree in `conf`.

    `port` and `password` are those of the tree's event socket; `profiles` are the SIP profiles that must run before it
    counts as ready. Logs, databases and certificates are in `folder`; by default a temporary one, removed at the end.
    """

    def __init__(
        self,
        conf: Path,
        port: int,
        password: str,
        *,
        profiles: Sequence[str] = ("internal", "external"),
        folder: Path | None = None,
        ready_within: float = 30.0,
    ) -> None:
        missing = which_switch()
        if missing.freeswitch is None:
            raise TestbedError(missing.missing)
        if not (conf / "freeswitch.xml").is_file():
            raise TestbedError(f"{conf} holds no freeswitch.xml; render a tree there first.")
        self._keep = folder is not None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="bizpbx-freeswitch-"))
        self._port = port
        self._password = password
        self._socket: EventSocket | None = None
        for name in FOLDERS:
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        certificates.provide(self.folder / "certs", certificates.cache_folder())
        places = [argument for name in FOLDERS for argument in (f"-{name}", str(self.folder / name))]
        command = [str(missing.freeswitch), "-nf", "-nc", "-nonat", "-np", "-conf", str(conf.resolve()), *places]
        self.process = processes.start(command, self.folder, self.folder / "output.log")
        try:
            self._wait_until_ready(profiles, ready_within)
            certificates.keep(self.folder / "certs", certificates.cache_folder())
        except BaseException:
            self.kill()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def log(self) -> Path:
        """The log file; the tree's logfile.conf decides what is in it."""
        return self.folder / "log" / "freeswitch.log"

    @property
    def usage(self) -> Usage:
        """CPU time used and memory held so far. Raises TestbedError once it has ended."""
        try:
            text = Path(f"/proc/{self.pid}/stat").read_text("ascii")
        except FileNotFoundError:
            raise TestbedError("FreeSWITCH has ended.") from None
        fields = text.rpartition(")")[2].split()
        return Usage((int(fields[11]) + int(fields[12])) / TICK, int(fields[21]) * PAGE)

    def api(self, command: str) -> str:
        """What `fs_cli -x command` would print. Raises TestbedError if the switch does not answer."""
        try:
            if self._socket is None:
                self._socket = EventSocket(self._port, self._password)
            return self._socket.api(command)
        except OSError as error:
            self._disconnect()
            raise TestbedError(f"FreeSWITCH did not carry out {command!r}: {error}. {self.last_words()}") from error

    def stop(self, grace: float = 10.0) -> None:
        """Shut down in order (SIGTERM; about 4.5 s), by force after `grace` seconds. Removes a temporary folder."""
        self._disconnect()
        processes.stop(self.process, grace)
        self._clean()

    def kill(self) -> None:
        """End it at once (SIGKILL), as leaving the context does. Removes a temporary folder."""
        self.stop(grace=0)

    def last_words(self) -> str:
        """The end of its log and output, for a message to people."""
        texts = [
            path.read_text("utf-8", "replace")[-1500:]
            for path in (self.folder / "output.log", self.log)
            if path.exists()
        ]
        return "\n".join(texts).strip()

    def _wait_until_ready(self, profiles: Sequence[str], timeout: float) -> None:
        deadline = time.monotonic() + timeout
        waiting_for = "its event socket"
        while True:
            if self.process.poll() is not None:
                raise TestbedError(f"FreeSWITCH ended while it started. {self.last_words()}")
            if answers(self._port):
                idle = sorted(set(profiles) - running_profiles(self.api("sofia status")))
                if not idle:
                    return
                waiting_for = f"SIP profile {idle[0]}"
            if time.monotonic() > deadline:
                raise TestbedError(f"FreeSWITCH was not ready in {timeout} s: no {waiting_for}. {self.last_words()}")
            time.sleep(POLL)

    def _disconnect(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _clean(self) -> None:
        if not self._keep:
            shutil.rmtree(self.folder, ignore_errors=True)


def answers(port: int) -> bool:
    """Whether something accepts connections on this port of 127.0.0.1."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def running_profiles(status: str) -> set[str]:
    """Names of the SIP profiles that `sofia status` says are running."""
    rows = (line.split() for line in status.splitlines())
    return {row[0] for row in rows if len(row) > 3 and row[1] == "profile" and row[3] == "RUNNING"}
