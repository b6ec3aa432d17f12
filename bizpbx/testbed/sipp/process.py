"""One SIPp program: its files, its arguments, its end, and the messages it has logged so far."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path

from bizpbx.testbed import processes
from bizpbx.testbed.sipp import log, scenarios
from bizpbx.testbed.world import TestbedError

TIME_LIMIT = 3600
"""Seconds after which any SIPp ends by itself, should everything else fail."""
POLL = 0.004
ENDURES = "1000000"
"""How often a busy machine may keep it waiting, for half a second and for three. By itself SIPp ends after 120 and
ten of these, and a phone that a whole worker uses is gone without a word."""
PORTS = 6
"""Ports that each takes in a row: SIP, sound that is looked at, audio and its control, video, remote control."""
HOST = "127.0.0.1"
NAMES = count(1)


class Sipp:
    """A running SIPp on 127.0.0.1, on `PORTS` ports reserved for it from `first_port` on.

    `scenario` is what it does by itself; `incoming`, if given, what it does with calls it receives meanwhile. `keys`
    fill the placeholders of both.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        *,
        scenario: str,
        first_port: int,
        remote: str = "",
        incoming: str | None = None,
        keys: Mapping[str, str] | None = None,
        credentials: tuple[str, str] | None = None,
        options: Sequence[str] = (),
        time_limit: int = TIME_LIMIT,
    ) -> None:
        self.folder = folder / f"{next(NAMES):04}-{name}"
        self.folder.mkdir(parents=True)
        self.port = first_port
        command = [*([remote] if remote else []), "-sf", self._write("scenario.xml", scenario)]
        if incoming is not None:
            command += ["-oocsf", self._write("incoming.xml", incoming)]
        command += ["-i", HOST, "-p", str(self.port), "-mi", HOST, "-mp", str(first_port + 2), "-bind_local"]
        usual = {"contact": f"{HOST}:{self.port}", "audio": str(first_port + 2)}
        command += ["-ci", HOST, "-cp", str(first_port + 5), "-nostdin", "-aa"]
        command += ["-trace_msg", "-message_file", "messages.log", "-trace_err", "-error_file", "errors.log"]
        command += ["-timer_resol", "1", "-timeout", f"{time_limit}s", "-skip_rlimit"]
        command += ["-watchdog_minor_maxtriggers", ENDURES, "-watchdog_major_maxtriggers", ENDURES]
        if credentials is not None:
            command += ["-au", credentials[0], "-ap", credentials[1]]
        command += [*scenarios.keys({**usual, **(keys or {})}), *options]
        self._messages: list[log.Logged] = []
        self._read = 0
        self.process = processes.start(
            [shutil.which("sipp") or "sipp", *command], self.folder, self.folder / "output.log"
        )

    @property
    def messages(self) -> Sequence[log.Logged]:
        """Everything sent and received so far."""
        try:
            with (self.folder / "messages.log").open("rb") as file:
                file.seek(self._read)
                found, taken = log.read(file.read())
        except FileNotFoundError:
            return self._messages
        self._messages += found
        self._read += taken
        return self._messages

    def wait_until(self, true: Callable[[], bool], timeout: float, what: str) -> None:
        """Return once `true()` holds. Raises TestbedError if SIPp ends first, or after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while not true():
            over = self.process.poll() is not None
            if over and true():
                return
            if over or time.monotonic() > deadline:
                late = "before it ended" if over else f"within {timeout} s"
                raise TestbedError(f"{self.folder.name}: {what} did not happen {late}. {self.last_words()}")
            time.sleep(POLL)

    def wait_until_listening(self, timeout: float = 20.0) -> None:
        """Return once its port is open."""
        self.wait_until(lambda: self.process.poll() is None and listens(self.port), timeout, "opening its port")

    def last_words(self) -> str:
        """The end of what it wrote about errors, for a message to people."""
        texts = []
        for name in ("errors.log", "output.log"):
            path = self.folder / name
            if path.exists():
                texts.append(path.read_text("utf-8", "replace").strip()[-1500:])
        return "\n".join(texts)

    def stop(self) -> None:
        """End it. Calls it still has are dropped without a word."""
        processes.stop(self.process, 0)

    def _write(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text, "utf-8")
        return name


def listens(port: int) -> bool:
    """Whether some program has this UDP port open on 127.0.0.1."""
    wanted = f" 0100007F:{port:04X} "
    return wanted in Path("/proc/net/udp").read_text("ascii")
