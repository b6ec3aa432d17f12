"""The simulated switch from outside: it runs in a thread of its own, so that nobody who blocks can hold it up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Self, TypeVar

import gevent
from gevent import monkey
from gevent.event import Event as Flag

from bizpbx.simulator.clock import Clock
from bizpbx.simulator.configuration import Configuration
from bizpbx.simulator.core import Core

T = TypeVar("T")

START = 10.0
"""Seconds that starting may take."""


class Switch:
    """A context manager: takes event-socket clients inside, and ends everything that it started when left.

    Its greenlets have a hub of their own in a thread of their own; in a monkey-patched process, where a thread is a
    greenlet, they share the one hub.
    """

    def __init__(
        self,
        configuration: Callable[[], Configuration],
        password: str,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Clock | None = None,
        name: str = "simulator",
    ) -> None:
        """`configuration` is called at the start and at each `reloadxml`. Port 0 takes a free one: see `address`."""
        self.clock: Clock = clock or Clock()
        self._make: Callable[[], Core] = lambda: Core(
            configuration, password, host=host, port=port, clock=self.clock, name=name
        )
        self._started: Future[Core] = Future()
        self._thread = threading.Thread(target=self._serve, name=f"switch {name}", daemon=True)

    def __enter__(self) -> Self:
        """Raises OSError if the port is taken."""
        self._thread.start()
        self._started.result(START)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the event socket."""
        return self._started.result(START).address

    def run(self, function: Callable[[Core], T]) -> T:
        """Run a function in the switch's thread, in a greenlet, and return what it returns or raise what it raises."""
        core = self._started.result(START)
        result: Future[T] = Future()

        def work() -> None:
            try:
                result.set_result(function(core))
            except BaseException as error:
                result.set_exception(error)

        self._loop.run_callback_threadsafe(gevent.spawn, work)
        return result.result()

    def close(self) -> None:
        """Hang up all calls and stop."""
        if self._thread.is_alive():
            self._loop.run_callback_threadsafe(self._stop.set)
            self._thread.join(START)

    def _serve(self) -> None:
        hub = gevent.get_hub()
        self._loop = hub.loop
        self._stop = Flag()
        try:
            core = self._make()
            core.start()
        except BaseException as error:
            self._started.set_exception(error)
            return
        self._started.set_result(core)
        try:
            self._stop.wait()
        finally:
            core.close()
            if not monkey.is_module_patched("threading"):
                hub.destroy(destroy_loop=True)
