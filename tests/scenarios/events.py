"""What the switch tells of calls, for scenarios that wait for something that no phone can see."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from typing import Final

import gevent
import pytest

from bizpbx.testbed.installation import event_socket_password
from bizpbx.testbed.world import Callee, PlacedCall
from tests.scenarios.conftest import Scene

PATIENCE: Final = 30.0
"""Seconds: what comes soon comes later on a machine that is busy."""


class Events:
    """A connection to the event socket, from its making on."""

    def __init__(self, port: int, password: str) -> None:
        self._connection = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._told = b""
        self._connection.sendall(f"auth {password}\n\nevent plain CHANNEL_BRIDGE CHANNEL_EXECUTE\n\n".encode())
        self._wait(rb"event listener enabled", 1)

    def talking(self, times: int = 1) -> None:
        """Return once two legs have been connected so often."""
        self._wait(rb"^Event-Name: CHANNEL_BRIDGE$", times)

    def runs(self, application: str, times: int = 1) -> None:
        """Return once this application was begun so often, on whatever leg."""
        self._wait(rb"^Application: " + application.encode() + rb"$", times)

    def close(self) -> None:
        self._connection.close()

    def _wait(self, line: bytes, times: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while len(re.findall(line, self._told, re.MULTILINE)) < times:
            self._connection.settimeout(max(0.001, deadline - time.monotonic()))
            data = self._connection.recv(65536)
            assert data, "the switch has closed the connection"
            self._told += data


MOMENT: Final = 0.5
"""Seconds from the beginning of a conversation until a code is heard. FreeSWITCH drops one that comes with the first
frames (measured on 1.11), which nobody is quick enough for."""


def asks(
    user: Callee | PlacedCall, events: Events, number: str = "102", code: str = "*2", talks: int = 1, questions: int = 1
) -> None:
    """Once there have been so many conversations, key in a code of a transfer, and at so many questions a number."""
    events.talking(talks)
    gevent.sleep(MOMENT)
    user.press(code)
    events.runs("play_and_get_digits", questions)
    user.press(f"{number}#")


@pytest.fixture
def events(scene: Scene) -> Iterator[Events]:
    made = Events(scene.installation.esl_port, event_socket_password(scene.installation.tree))
    yield made
    made.close()
