"""Tasks for later, in named groups: `sched_api`, `sched_hangup`, `sched_del`."""

from __future__ import annotations

from collections.abc import Callable

import gevent

from bizpbx.simulator.clock import Clock


class Scheduler:
    """Runs tasks on the switch's clock, to the moment (FreeSWITCH ticks every half second on whole-second times)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tasks: dict[int, tuple[str, gevent.Greenlet[..., None]]] = {}
        self._last = 0

    def seconds_until(self, when: str) -> float:
        """Seconds from now to `+3` (from now) or `1790000000` (since 1970)."""
        if when.startswith(("+", "@")):
            return float(when[1:] or 0)
        return max(float(when or 0) - self._clock.now(), 0.0)

    def add(self, seconds: float, group: str, task: Callable[[], None]) -> int:
        """Run `task` in `seconds`; returns its number."""
        self._last += 1
        self._tasks[self._last] = (group, gevent.spawn(self._run, self._last, seconds, task))
        return self._last

    def delete(self, name: str) -> int:
        """Delete the task of this number, or all tasks of this group; returns how many there were."""
        gone = [number for number, (group, _) in self._tasks.items() if name in (group, str(number))]
        for number in gone:
            self._tasks.pop(number)[1].kill(block=False)
        return len(gone)

    def close(self) -> None:
        gevent.killall([task for _, task in self._tasks.values()])
        self._tasks.clear()

    def _run(self, number: int, seconds: float, task: Callable[[], None]) -> None:
        self._clock.sleep(seconds)
        self._tasks.pop(number, None)
        task()
