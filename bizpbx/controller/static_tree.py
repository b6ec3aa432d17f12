"""Keeps the rendered tree of a switch on this machine up to date with the settings.

The switch falls back to that tree when no controller answers, so it must not let in a device that was deactivated a
moment ago. A change is written within a second or two: many changes in a row are written once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import gevent
import orjson
import structlog
from gevent import subprocess

from bizpbx.controller.queries import Queries
from bizpbx.directory.lookup import SettingsReader
from bizpbx.freeswitch.monitor import Monitor

INTERVAL = 1.0
"""Seconds between two looks at the versions."""

INTO = "bizpbx/bizpbx-bindings.xml"
"""Only a configuration that somebody else wrote has this file of ours."""

log = structlog.get_logger(__name__)


class StaticTree:
    """Renders in a process of its own: ten thousand extensions take seconds of CPU, which calls must not wait for."""

    def __init__(
        self,
        queries: Queries,
        reader: SettingsReader,
        output: Path,
        switches: Iterable[Monitor],
        render: Callable[[Path], list[str] | None] | None = None,
    ) -> None:
        self._queries = queries
        self._reader = reader
        self._output = output
        self._switches = tuple(switches)
        self._render = render or render_in_process
        self._written: tuple[dict[str, int], dict[str, frozenset[str]]] | None = None
        self._greenlet: gevent.Greenlet[..., None] | None = None

    def start(self) -> None:
        self._greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        if self._greenlet is not None:
            self._greenlet.kill()

    def _run(self) -> None:
        while True:
            try:
                self.look()
            except Exception:
                log.exception("tree.not_looked_at", output=str(self._output))
            gevent.sleep(INTERVAL)

    def look(self) -> bool:
        """Render and reload if a version has changed since the last rendering, or where a gateway's name leads. Returns
        whether it did."""
        seen = self._queries.ask(self._reader.versions), self._queries.ask(self._reader.named_gateways)
        if seen == self._written:
            return False
        commands = self._render(self._output)
        if commands is None:
            return False
        self._written = seen
        for switch in self._switches:
            switch.command(commands)
        return True


def render_in_process(output: Path) -> list[str] | None:
    """`bizpbx render`, apart; returns the commands that put what was written in force. None, with its words in the log,
    if it failed: it is tried again."""
    command = [sys.executable, "-m", "bizpbx", "render", "--output", str(output), "--json"]
    if is_into(output):
        command.append("--into")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        log.error("tree.not_rendered", output=str(output), reason=done.stderr.strip()[-500:])
        return None
    rendered = orjson.loads(done.stdout)
    log.info("tree.rendered", output=str(output), files=len(rendered["changes"]))
    return list(rendered["reload"])


def is_into(output: Path) -> bool:
    """Whether the folder holds someone else's configuration, to which ours was added with `--into`."""
    return (output / INTO).is_file()
