"""Events between the greenlet that reads the socket and the handlers: bounded, counted, in order for each channel."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable
from typing import Final

import gevent
import structlog
from gevent.event import Event

from bizpbx.freeswitch.esl_event import ESLEvent

MAX_EVENTS: Final = 5000
"""Default number of events that may wait, over all workers."""
MAX_BYTES: Final = 16 << 20
"""Default size of the events that may wait, in bytes on the wire, over all workers."""

log = structlog.get_logger(__name__)


class EventQueue:
    """Hands events to `handle` in greenlets of its own.

    One worker keeps the order of all events, as greenswitch does. Several workers keep the order of each channel (by
    Unique-ID), so that a slow handler holds up only the channels that share its worker.

    When a bound is reached the **oldest** waiting event of that worker is dropped and counted in `dropped`: what is
    true now matters more than what was, and whoever needs each event (metering) has the spool. Disconnect notices are
    never dropped. Replies do not pass through here.
    """

    def __init__(
        self,
        handle: Callable[[ESLEvent], None],
        *,
        workers: int = 1,
        max_events: int = MAX_EVENTS,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.dropped = 0
        self._lanes = [_Lane(handle, max(1, max_events // workers), max_bytes // workers) for _ in range(workers)]

    def put(self, event: ESLEvent) -> None:
        """Queue an event; never blocks, since the caller reads the replies that handlers are waiting for."""
        lane = self._lanes[0]
        if len(self._lanes) > 1:
            key = event.own.get("Unique-ID") or event.own.get("Job-UUID") or ""
            lane = self._lanes[zlib.crc32(key.encode("utf-8", "replace")) % len(self._lanes)]
        dropped = lane.put(event)
        if dropped:
            # One line per power of two says that it happens and how much, without a line for each event.
            before, self.dropped = self.dropped, self.dropped + dropped
            if before.bit_length() != self.dropped.bit_length():
                log.warning("esl.events_dropped", dropped=self.dropped)

    def __len__(self) -> int:
        return sum(len(lane.waiting) for lane in self._lanes)

    def start(self) -> None:
        """Take events again after a stop. Not needed the first time."""
        for lane in self._lanes:
            lane.start()

    def stop(self, timeout: float = 1.0) -> None:
        """Stop after the events being handled now, waiting at most `timeout` seconds for them; drop what waits."""
        for lane in self._lanes:
            lane.stop()
        current = gevent.getcurrent()
        busy = [lane.greenlet for lane in self._lanes if lane.greenlet is not None and lane.greenlet is not current]
        gevent.joinall(busy, timeout=timeout)


class _Lane:
    """One worker and what waits for it. The greenlet starts with the first event: a session without events has none."""

    def __init__(self, handle: Callable[[ESLEvent], None], max_events: int, max_bytes: int) -> None:
        self.waiting: deque[ESLEvent] = deque()
        self.greenlet: gevent.Greenlet[[], None] | None = None
        self._handle = handle
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._bytes = 0
        self._wake = Event()
        self._running = True

    def put(self, event: ESLEvent) -> int:
        if not self._running:
            return 0
        self.waiting.append(event)
        self._bytes += len(event.frame.body)
        dropped, kept = 0, []
        while len(self.waiting) > 1 and (len(self.waiting) > self._max_events or self._bytes > self._max_bytes):
            oldest = self.waiting.popleft()
            if oldest.content_type == "text/disconnect-notice":
                kept.append(oldest)
            else:
                self._bytes -= len(oldest.frame.body)
                dropped += 1
        self.waiting.extendleft(reversed(kept))
        if self.greenlet is None:
            self.greenlet = gevent.spawn(self._run)
        self._wake.set()
        return dropped

    def start(self) -> None:
        if not self._running:
            self.waiting.clear()
            self._bytes = 0
            self._running = True
            if self.greenlet is not None and self.greenlet.dead:
                self.greenlet = None

    def stop(self) -> None:
        self._running = False
        self._wake.set()

    def _run(self) -> None:
        while self._running:
            if not self.waiting:
                self._wake.clear()
                self._wake.wait()
                continue
            event = self.waiting.popleft()
            self._bytes -= len(event.frame.body)
            self._handle(event)
