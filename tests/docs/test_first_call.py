"""The README's first call, command by command, with SIPp in place of the softphones."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable

import pytest

from bizpbx.testbed.sipp import SippWorld
from bizpbx.testbed.world import answers
from tests.docs.pages import TOP
from tests.docs.terminal import Terminal

DOMAIN = "acme.example"

pytestmark = [
    pytest.mark.freeswitch,
    pytest.mark.skipif(shutil.which("fs_cli") is None, reason="needs freeswitch: fs_cli is not on PATH"),
]


def eventually(question: Callable[[], str]) -> str:
    """The answer, once the question is answered without an AssertionError."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return question()
        except AssertionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def in_order(told: str) -> str:
    """What the doctor has found. It examines what is still being started, too."""
    assert {line.split("\t")[0] for line in told.splitlines()[1:]} == {"ok"}, told
    return told


def test_the_first_call_goes_as_the_readme_says(terminal: Terminal) -> None:
    terminal.run("prepare")
    passwords = re.findall(r"^password = (\S+)$", terminal.run("settings"), re.MULTILINE)
    terminal.start("switch")
    terminal.start("controller")
    # The doctor finds everything in order, which is what it is asked for before the call.
    eventually(lambda: in_order(terminal.run("doctor")))
    with SippWorld(terminal.devices_port, terminal.trunks_port, terminal.folder / "phones") as world:
        first = world.phone(DOMAIN, "100-ip_phone", passwords[0], answers(0.1))
        second = world.phone(DOMAIN, "101-ip_phone", passwords[1])
        assert first.registration.registered and second.registration.registered
        plan = terminal.run("explain")
        assert plan in (TOP / "README.md").read_text("utf-8")
        placed = world.place(second, "100", hangup_after=60)
        placed.wait_for(200)
        # The switch lists a call a moment after it was answered.
        channel = eventually(lambda: terminal.run("look"))
        assert channel in (TOP / "README.md").read_text("utf-8")
        placed.hang_up()
        assert placed.result().code == 200
        # And a change is in force on the very next call.
        assert "do-not-disturb" in terminal.run("change")
        assert world.call(second, "100").code == 486
