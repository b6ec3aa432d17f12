"""Every wire test runs on the simulator, and on FreeSWITCH where there is one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from gevent import socket

from .benches import Bench, Live, Simulated
from .client import Client
from .dialplan import DIALPLAN


@pytest.fixture(scope="session", params=["simulator", pytest.param("freeswitch", marks=pytest.mark.freeswitch)])
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A running switch with the dialplan of these tests."""
    if request.param == "simulator":
        started: Bench = Simulated(DIALPLAN)
    else:
        started = Live(DIALPLAN, tmp_path_factory.mktemp("conf"))
    yield started
    started.close()


class Controller:
    """Listens where the dialplan hands calls to; its port is what a test dials."""

    def __init__(self) -> None:
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(8)
        self.number = str(self._listener.getsockname()[1])

    def accept(self, seconds: float = 5) -> Client:
        """The next call that is handed over. Raises TimeoutError."""
        self._listener.settimeout(seconds)
        return Client(self._listener.accept()[0])

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def controller() -> Iterator[Controller]:
    listening = Controller()
    yield listening
    listening.close()
