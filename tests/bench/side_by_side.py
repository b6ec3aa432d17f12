"""The same calls over several switches that run side by side, each set up in another way.

The ways take turns, round after round, and are compared within each round: what else the machine does changes slowly
and falls on all of them. Of the rounds the median counts. The load generator has the machine's processors in common
with what is measured; what it uses is no part of the CPU of a call, but of how busy the machine is.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from statistics import median
from subprocess import Popen
from tempfile import TemporaryDirectory
from typing import Generic, TypeVar

from bizpbx.testbed.installation import Installation, SwitchKind
from bizpbx.testbed.requirements import which_switch
from bizpbx.testbed.sipp import SippWorld
from bizpbx.testbed.sipp.load import LoadResult, load
from bizpbx.testbed.sipp.phone import SippPhone
from tests.bench import machine
from tests.bench.table import Row, met

LOADS = ((10, 60), (25, 150), (50, 200))
"""(calls a second, calls): two loads that two slow processors have room for, and that of the goals."""
FULL = 0.9
"""Share of the processors from which on a delay is waiting in line for them, and says nothing of what a call needs."""
ROUNDS = 2
WARM_UP = 50
TALKS = 0.1
MEDIA_PORTS = 600
"""Four for each call that is under way."""
SETTLES = 1.5
"""Seconds after the last call in which records are taken: they are part of what a call costs."""


@dataclass(frozen=True)
class Running:
    """A switch with its phones, and its controller where there is one. `caller` calls `to`."""

    installation: Installation
    world: SippWorld
    caller: SippPhone
    to: str
    other: Popen[bytes] | None = None
    """A controller that is not ours. It ends when its input does."""

    def measure(self, rate: int, calls: int) -> Measured:
        switch = self.installation.switch
        assert switch is not None
        began, of_switch, of_controller = machine.Clock.now(), switch.usage.cpu, self.of_controller()
        result = load(self.world, self.caller, self.to, calls=calls, rate=rate, talks=TALKS)
        busy = machine.Clock.now().share_since(began)
        time.sleep(SETTLES)
        of_switch, of_controller = switch.usage.cpu - of_switch, self.of_controller() - of_controller
        return measured(result, of_switch, of_controller, busy)

    def of_controller(self) -> float:
        """Seconds of CPU so far."""
        processes = (self.installation.controllers[0].process, self.other)
        return sum(machine.cpu_of(process.pid) for process in processes if process is not None)

    def close(self) -> None:
        """End what the installation does not."""
        if self.other is not None:
            self.other.communicate()


@dataclass(frozen=True)
class Measured:
    """CPU in milliseconds a call, delays in milliseconds from the first INVITE to the first ring."""

    ring_p50: float
    ring_p99: float
    switch_cpu: float
    controller_cpu: float
    busy: float
    """How much of its processors the machine used, 0 to 1."""
    failed: Mapping[int, int]
    """Calls that were not answered, by final SIP code."""

    @property
    def cpu(self) -> float:
        return self.switch_cpu + self.controller_cpu


AnyWay = TypeVar("AnyWay", bound=StrEnum)
Start = Callable[[AnyWay, Installation], Running]


@dataclass(frozen=True)
class Against(Generic[AnyWay]):
    """One way set against another, with the goals that there are: most times the CPU, most milliseconds more."""

    ours: AnyWay
    theirs: AnyWay
    cpu: float | None = None
    p50: float | None = None
    p99: float | None = None


def rows(ways: Sequence[AnyWay], start: Start[AnyWay], compared: Sequence[Against[AnyWay]]) -> list[Row]:
    """The rows of the table; empty where there is no FreeSWITCH or SIPp."""
    if which_switch().missing:
        return []
    with ExitStack() as stack:
        print(f"  {machine.described()}")
        running = {way: stack.enter_context(_started(way, start)) for way in ways}
        for one in running.values():
            one.measure(25, WARM_UP)
        found: list[Row] = []
        for rate, calls in LOADS:
            rounds = [{way: running[way].measure(rate, calls) for way in turn(ways, at)} for at in range(ROUNDS)]
            found += [{"calls/s": rate, "call": way, **told([one[way] for one in rounds])} for way in ways]
            found += [{"calls/s": rate, **difference(one, rounds)} for one in compared]
        return found


@contextmanager
def _started(way: AnyWay, start: Start[AnyWay]) -> Iterator[Running]:
    with (
        TemporaryDirectory(prefix="bizpbx-bench-") as folder,
        Installation(SwitchKind.FREESWITCH, Path(folder), media_ports=MEDIA_PORTS, keeps_tree=False) as made,
    ):
        running = start(way, made)
        yield running
        running.close()


def turn(ways: Sequence[AnyWay], at: int) -> list[AnyWay]:
    """The order of a round: another one comes first each time."""
    first = at % len(ways)
    return [*ways[first:], *ways[:first]]


def measured(result: LoadResult, switch: float, controller: float, busy: float) -> Measured:
    delays = result.to_ring
    assert delays is not None, f"no call rang: {result.failures}"
    per_call = 1000 / result.calls
    return Measured(
        ring_p50=delays.p50 * 1000,
        ring_p99=delays.p99 * 1000,
        switch_cpu=switch * per_call,
        controller_cpu=controller * per_call,
        busy=busy,
        failed=result.failures,
    )


def told(runs: Sequence[Measured]) -> Row:
    failed: Counter[int] = Counter()
    for one in runs:
        failed.update(one.failed)
    return {
        "ring p50 ms": f"{median(one.ring_p50 for one in runs):.1f}",
        "ring p99 ms": f"{median(one.ring_p99 for one in runs):.1f}",
        "CPU ms": f"{median(one.cpu for one in runs):.1f}",
        "switch": f"{median(one.switch_cpu for one in runs):.1f}",
        "controller": f"{median(one.controller_cpu for one in runs):.1f}",
        "machine busy": f"{median(one.busy for one in runs):.0%}",
        "failed": ", ".join(f"{code}: {count}" for code, count in sorted(failed.items())) or "none",
    }


def difference(one: Against[AnyWay], rounds: Sequence[Mapping[AnyWay, Measured]]) -> Row:
    """Medians of what was found in each round."""
    pairs = [(each[one.ours], each[one.theirs]) for each in rounds]
    ratios = [ours.cpu / theirs.cpu for ours, theirs in pairs]
    cpu = median(ratios)
    p50 = median(ours.ring_p50 - theirs.ring_p50 for ours, theirs in pairs)
    p99 = median(ours.ring_p99 - theirs.ring_p99 for ours, theirs in pairs)
    full = median(ours.busy for ours, _ in pairs) >= FULL
    goals = [
        *([f"CPU <= {one.cpu:.2f}x: {met(cpu, one.cpu)}"] if one.cpu is not None else []),
        *([f"p50 <= {one.p50:g} ms: {met(p50, one.p50)}"] if one.p50 is not None else []),
        *([f"p99 <= {one.p99:g} ms: {met(p99, one.p99)}"] if one.p99 is not None else []),
        *(["processors full"] if full and one.p50 is not None else []),
    ]
    return {
        "call": f"{one.ours}, against {one.theirs}",
        "ring p50 ms": f"{p50:+.1f}",
        "ring p99 ms": f"{p99:+.1f}",
        "CPU ms": f"{cpu:.2f}x ({min(ratios):.2f} to {max(ratios):.2f})",
        "goals": "; ".join(goals),
    }
