"""The terminal of a newcomer who types what the pages say."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from bizpbx.testbed.ports import Ports
from tests.docs.pages import TOP, blocks

COMMANDS = blocks(TOP / "README.md") | blocks(TOP / "docs/first-call.md")


class Terminal:
    """A shell in the newcomer's folder. Ports are other ones than the README's; FreeSWITCH may be running here."""

    def __init__(self, folder: Path, ports: Ports) -> None:
        self.folder = folder
        self.devices_port, self.trunks_port, esl, calls, http = (ports.one() for _ in range(5))
        media = ports.block(40)
        (folder / ".fs_cli_conf").write_text(f"[default]\nhost => 127.0.0.1\nport => {esl}\n")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("BIZPBX_")},
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "BIZPBX_FREESWITCH": f"local=127.0.0.1:{esl}",
            "BIZPBX_CALL_LISTEN": f"127.0.0.1:{calls}",
            "BIZPBX_HTTP_LISTEN": f"127.0.0.1:{http}",
            "BIZPBX_DEVICES_PORT": str(self.devices_port),
            "BIZPBX_TRUNKS_PORT": str(self.trunks_port),
            "BIZPBX_MEDIA_PORTS": f"{media}-{media + 39}",
        }
        self.background: list[subprocess.Popen[bytes]] = []

    def run(self, name: str) -> str:
        """What a block of the pages prints. Each of its commands must succeed."""
        return self.say(COMMANDS[name])

    def say(self, commands: str) -> str:
        """What these commands print."""
        script = f"set -euo pipefail\n[ ! -e bizpbx.env ] || . ./bizpbx.env\n{commands}"
        done = subprocess.run(
            ["bash", "-c", script], cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, f"{commands}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self, name: str) -> None:
        """A block whose last command stays in the foreground."""
        with (self.folder / f"{name}.log").open("wb") as log:
            self.background.append(
                subprocess.Popen(
                    ["bash", "-c", f"set -eu\n. ./bizpbx.env\n{COMMANDS[name]}"],
                    cwd=self.folder,
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )

    def end(self) -> None:
        for process in self.background:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
