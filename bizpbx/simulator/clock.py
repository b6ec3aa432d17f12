"""Time as the simulated switch sees it. Sped up, a ring of 30 seconds is over in a blink; 1.0 is real time."""

from __future__ import annotations

import time

import gevent
from gevent.event import Event


class Clock:
    """`speed` is how many simulated seconds pass in a real one."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._epoch = time.time()
        self._start = time.monotonic()

    def now(self) -> float:
        """Seconds since 1970, never going back."""
        return self._epoch + (time.monotonic() - self._start) * self.speed

    def sleep(self, seconds: float) -> None:
        """Let `seconds` of simulated time pass."""
        gevent.sleep(max(seconds, 0.0) / self.speed)

    def wait(self, event: Event, seconds: float | None) -> bool:
        """Wait for `event`, at most `seconds` of simulated time (None: for ever); whether it happened."""
        if seconds is None:
            return event.wait()
        return event.wait(max(seconds, 0.0) / self.speed)
