"""A real FreeSWITCH on a rendered tree."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import BufferedRWPair
from pathlib import Path

from bizpbx.freeswitch.rendering import (
    SwitchParameters,
    check,
    new_password,
    reload_commands,
    render_tree,
    start_command,
    write,
)
from bizpbx.policy.settings import OrganisationSettings

START_TIMEOUT = 20.0
OPTIONAL_MODULES = ("mod_opus",)


@dataclass
class LiveSwitch:
    """A running switch, its parameters and its folder."""

    parameters: SwitchParameters
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def internal(self) -> tuple[str, int]:
        return self.parameters.sip_ip, self.parameters.internal_port

    @property
    def tls(self) -> tuple[str, int]:
        return self.parameters.sip_ip, self.parameters.tls_port

    @property
    def external(self) -> tuple[str, int]:
        return self.parameters.sip_ip, self.parameters.external_port

    def api(self, command: str) -> str:
        """One event socket `api` command; its whole answer."""
        address = (self.parameters.esl_host, self.parameters.esl_port)
        with socket.create_connection(address, timeout=10) as connection, connection.makefile("rwb") as stream:
            _reply(stream)
            stream.write(f"auth {self.parameters.esl_password}\n\n".encode())
            stream.flush()
            _reply(stream)
            stream.write(f"api {command}\n\n".encode())
            stream.flush()
            return _reply(stream)

    def channels(self) -> list[dict[str, str]]:
        """Live channels. The switch's own list lags behind by a moment."""
        rows: list[dict[str, str]] = json.loads(self.api("show channels as json")).get("rows", [])
        return rows

    def render(self, organisations: Iterable[OrganisationSettings]) -> None:
        """Bring the running switch up to date."""
        tree = render_tree(self.parameters, organisations)
        for command in reload_commands(write(tree, self.folder), tree):
            assert "-ERR" not in self.api(command)

    def log(self, *levels: str) -> list[str]:
        """Lines of the log, those of some levels only if any are named."""
        lines = (self.folder / "log" / "freeswitch.log").read_text(errors="replace").splitlines()
        return [line for line in lines if not levels or any(f"[{level}]" in line for level in levels)]

    @property
    def ready(self) -> bool:
        try:
            status = self.api("sofia status")
        except OSError:
            return False
        # A profile with TLS has a line for each of its ports.
        running = {line.split()[0] for line in status.splitlines() if "RUNNING" in line}
        return len(running) == (3 if self.parameters.tls_certificates else 2)


def _reply(stream: BufferedRWPair) -> str:
    length = 0
    while line := stream.readline().strip():
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return str(stream.read(length).decode("utf-8", "replace"))


@contextlib.contextmanager
def switch(
    folder: Path,
    organisations: Iterable[OrganisationSettings],
    controllers: str = "",
    curl: str = "",
    credentials: str = "",
    log: str = "debug",
    certificates: Path | None = None,
    gateway_certificates: Path | None = None,
    resolved: Mapping[str, Iterable[str]] | None = None,
) -> Iterator[LiveSwitch]:
    """Render, start, wait until its SIP profiles run; end it by its process at the end."""
    ports = free_ports(7)
    parameters = SwitchParameters(
        esl_password=new_password(),
        internal_port=ports[0],
        external_port=ports[1],
        esl_port=ports[2],
        controllers=controllers or f"127.0.0.1:{ports[3]}",
        xml_curl_urls=(curl or f"http://127.0.0.1:{ports[4]}/",),
        xml_curl_credentials=credentials or None,
        log_level=log,
        tls_certificates=str(certificates) if certificates else None,
        tls_port=ports[5],
        external_tls_certificates=str(gateway_certificates) if gateway_certificates else None,
        external_tls_port=ports[6],
    )
    tree = render_tree(parameters, organisations, resolved or {})
    assert check(tree) == []
    write(tree, folder)
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(start_command(folder), stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    live = LiveSwitch(parameters, folder, process)
    try:
        wait_for(lambda: live.ready or process.poll() is not None, START_TIMEOUT)
        assert process.poll() is None, (folder / "output").read_text()
        yield live
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait until something is so. Fails if it never is."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def free_ports(count: int) -> list[int]:
    """Ports below the range the kernel hands out, free for UDP and TCP now."""
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(20000, 32000)
        if port not in found and all(_is_free(kind, port) for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM)):
            found.append(port)
    return found


def _is_free(kind: socket.SocketKind, port: int) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
