"""A whole installation in a folder of its own: database, rendered tree, controllers, a switch, phones round it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bizpbx.config import Config
from bizpbx.controller import rendering
from bizpbx.directory.apply import apply
from bizpbx.directory.credentials import issue
from bizpbx.directory.database import Database
from bizpbx.directory.installation import prepare
from bizpbx.directory.parsing import parse
from bizpbx.directory.secrets import load as load_secrets
from bizpbx.freeswitch.rendering import stored_password, write
from bizpbx.policy.settings import DeviceKind
from bizpbx.testbed import command, processes
from bizpbx.testbed.freeswitch_process import FreeSwitch
from bizpbx.testbed.ports import Ports
from bizpbx.testbed.prefork import Prefork
from bizpbx.testbed.requirements import which_switch
from bizpbx.testbed.sipp import SippWorld
from bizpbx.testbed.world import TestbedError, World
from bizpbx.voicemail.speaking import speaker_of

READY = 60.0
"""Seconds a controller may take to be ready: on a machine that is busy, too."""
MEDIA_PORTS = 400


class SwitchKind(StrEnum):
    FREESWITCH = "freeswitch"
    SIMULATOR = "simulator"


class Controller:
    """One `bizpbx serve`, a process of its own."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        call_port: int,
        http_port: int,
        prefork: Prefork | None = None,
    ) -> None:
        self.http_port = http_port
        self.log = folder / f"controller-{call_port}.log"
        self._call_port = call_port
        self._prefork = prefork
        self._folder = folder
        self._environment = {
            **environment,
            "BIZPBX_CALL_LISTEN": f"127.0.0.1:{call_port}",
            "BIZPBX_HTTP_LISTEN": f"127.0.0.1:{http_port}",
        }
        self.process: processes.Program | None = None

    def start(self, **variables: str) -> None:
        """Returns once it takes calls. Raises TestbedError with its last words if it does not. `variables` are added to
        its environment, this time only."""
        self.process = self._started({**self._environment, **variables})
        deadline = time.monotonic() + READY
        while not (_listens(self._call_port) and _listens(self.http_port)):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise TestbedError(f"The controller did not start: {self.log.read_text()[-2000:]}")
            time.sleep(0.01)

    def _started(self, environment: Mapping[str, str]) -> processes.Program:
        if self._prefork is not None:
            return self._prefork.start(self._folder, environment, self.log)
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "bizpbx.controller"],
                env=environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    @property
    def pid(self) -> int:
        if self.process is None:
            raise TestbedError("This controller has not been started.")
        return self.process.pid

    def kill(self) -> None:
        """End it as a crash would: SIGKILL."""
        if self.process is not None:
            processes.stop(self.process, 0)

    def died(self, within: float) -> bool:
        """Wait for its end by its own hand; False if it still runs after so many seconds."""
        return self.process is None or processes.ended(self.process, within)

    def stop(self) -> int:
        """End it in order: SIGTERM. Returns its exit code."""
        if self.process is None:
            return 0
        processes.stop(self.process, 10)
        return self.process.wait()

    def get(self, path: str) -> tuple[int, Any]:
        """GET from its HTTP side: status and JSON."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}{path}", timeout=5) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)


class Installation:
    """A context manager; leaving it ends everything it started.

    `apply` settings and `render` first, then start controllers and `start_switch`; `world` has the phones. The database
    is SQLite unless a URL is given. Without a `folder` a temporary one is used, and removed at the end. With
    a folder of `certificates` FreeSWITCH takes devices over TLS, too; no phone of a world speaks it.
    """

    def __init__(
        self,
        kind: SwitchKind,
        folder: Path | None = None,
        database_url: str = "",
        controllers: int = 1,
        media_ports: int = MEDIA_PORTS,
        certificates: Path | None = None,
        keeps_tree: bool = True,
        prompts: Path | None = None,
        prefork: Prefork | None = None,
    ) -> None:
        """With `keeps_tree` the controllers keep the rendered tree up to date, as in production. `prompts` is a folder
        of the operator's announcements. Controllers come out of `prefork`, if that is given."""
        self.kind = kind
        self._keep = folder is not None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="bizpbx-"))
        self.tree = self.folder / "tree"
        self._stack = ExitStack()
        ports = self._stack.enter_context(Ports())
        self.esl_port, self.devices_port, self.trunks_port, self.carrier_port = (ports.one() for _ in range(4))
        self.tls_port, self.second_carrier_port, trunks_tls_port = (ports.one() for _ in range(3))
        self._profiles = ("internal", "external", "internal-tls") if certificates else ("internal", "external")
        media = ports.block(media_ports)
        call_ports = [ports.one() for _ in range(controllers)]
        http_port = ports.one()
        settings = {
            "home": str(self.folder / "home"),
            "database_url": database_url,
            "controllers": "|".join(f"127.0.0.1:{port}" for port in call_ports),
            "http_listen": f"127.0.0.1:{http_port}",
            "freeswitch": f"local=127.0.0.1:{self.esl_port}",
            **({"freeswitch_conf": str(self.tree)} if keeps_tree else {}),
            "devices_port": str(self.devices_port),
            "devices_tls_port": str(self.tls_port),
            "tls_certificates": str(certificates or ""),
            "trunks_port": str(self.trunks_port),
            "trunks_tls_port": str(trunks_tls_port),
            "media_ports": f"{media}-{media + media_ports - 1}",
            "prompts": str(prompts or ""),
            "log": "json",
        }
        self.config = Config.model_validate(settings)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("BIZPBX_")},
            **{f"BIZPBX_{name.upper()}": value for name, value in settings.items()},
        }
        # Only the first controller answers over HTTP; the others are there for calls.
        self.controllers = [
            Controller(self.folder, self.environment, port, http_port if index == 0 else ports.one(), prefork)
            for index, port in enumerate(call_ports)
        ]
        self.switch: FreeSwitch | None = None
        self._world: World | None = None

    def __enter__(self) -> Self:
        prepare(self.config.home, "", self.config.database)
        self._database = Database(self.config.database)
        self._stack.callback(self._database.close)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for controller in self.controllers:
            controller.kill()
        self._stack.close()
        if not self._keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def bizpbx(self, *arguments: str) -> str:
        """Run the command line program as an admin would; returns what it printed. Raises TestbedError if it failed."""
        done = command.run(arguments, self.environment)
        if done.code != 0:
            raise TestbedError(f"bizpbx {' '.join(arguments)} exited with {done.code}: {done.stderr}{done.stdout}")
        return done.stdout

    def apply(self, settings: str) -> None:
        """Apply the text of a settings file; `{carrier_port}` in it is the port of the world's carrier, and
        `{second_carrier_port}` that of another one."""
        ports = {"{carrier_port}": self.carrier_port, "{second_carrier_port}": self.second_carrier_port}
        text = settings
        for name, port in ports.items():
            text = text.replace(name, str(port))
        secrets = partial(load_secrets, "", self.config.home)
        apply(
            self._database,
            parse(text.encode()),
            actor="testbed",
            at=datetime.now(UTC),
            secrets=secrets,
            speaker=partial(speaker_of, self.config),
        )

    def credentials(self, domain: str, key: str, kind: str) -> tuple[str, str]:
        """(SIP user, new password) of a device."""
        at = datetime.now(UTC)
        made = issue(self._database, domain, key, DeviceKind(kind), actor="testbed", at=at, rotate=True)
        return made.username, made.password

    def render(self) -> None:
        """Write the tree of the switch."""
        tree, _ = rendering.tree(self.config)
        write(tree, self.tree)

    def start_switch(self) -> World:
        """Start the switch on the rendered tree, and the world round it."""
        if self.kind is SwitchKind.FREESWITCH:
            self.switch = self._stack.enter_context(self._freeswitch())
            world: World = SippWorld(self.devices_port, self.trunks_port, self.folder / "phones")
        else:
            # gevent comes with it: only where it is used.
            from bizpbx.simulator.configuration import load
            from bizpbx.simulator.switch import Switch
            from bizpbx.simulator.world import SimulatedWorld

            password = event_socket_password(self.tree)
            simulated = Switch(lambda: load(self.tree), password, port=self.esl_port)
            world = SimulatedWorld(self._stack.enter_context(simulated))
        self._world = self._stack.enter_context(world)
        return self._world

    def restart_switch(self) -> None:
        """End FreeSWITCH as a crash would, and start it again. Phones are to register anew."""
        if self.switch is None:
            raise TestbedError("This installation has no FreeSWITCH that runs.")
        self.switch.kill()
        self.switch = self._stack.enter_context(self._freeswitch())

    def _freeswitch(self) -> FreeSwitch:
        password = event_socket_password(self.tree)
        folder = self.folder / "switch"
        return FreeSwitch(self.tree, self.esl_port, password, profiles=self._profiles, folder=folder)

    @property
    def world(self) -> World:
        if self._world is None:
            raise TestbedError("The switch of this installation has not been started.")
        return self._world


def event_socket_password(tree: Path) -> str:
    password = stored_password(tree)
    if password is None:
        raise TestbedError(f"{tree} has no event socket password; render it first.")
    return password


def available() -> SwitchKind:
    """The best switch this machine has."""
    return SwitchKind.SIMULATOR if which_switch().missing else SwitchKind.FREESWITCH


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
