"""Many calls at a steady rate, and how long each took to ring and to be answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from bizpbx.testbed import processes
from bizpbx.testbed.sipp import record
from bizpbx.testbed.sipp.process import PORTS
from bizpbx.testbed.sipp.real_world import SippWorld
from bizpbx.testbed.world import Caller, CallResult, TestbedError, as_caller

SLACK = 30.0
"""Seconds that the last calls get beyond the time that they should take."""


@dataclass(frozen=True, slots=True)
class Delays:
    """Seconds from the first INVITE, by nearest rank."""

    p50: float
    p90: float
    p99: float
    worst: float


@dataclass(frozen=True, slots=True)
class LoadResult:
    """`to_ring` runs to the first 180 or 183, `to_answer` to the 200; both are None if no call came that far."""

    calls: int
    answered: int
    failures: Mapping[int, int]
    """Calls that were not answered, by final SIP code; 0 is none at all."""
    to_ring: Delays | None
    to_answer: Delays | None


def load(
    world: SippWorld,
    caller: Caller,
    to: str,
    *,
    calls: int,
    rate: float,
    talks: float = 0.1,
    wait: float = SLACK,
    all_end: bool = True,
) -> LoadResult:
    """Place `calls` calls to `to`, `rate` a second, each hung up by its caller `talks` seconds after the answer.

    Raises TestbedError if they have not all ended `wait` seconds after the last one should have; without `all_end`, as
    where the switch dies in between, they are left then.
    """
    first_port = world.ports.block(PORTS)
    options = ("-m", str(calls), "-l", str(calls), "-r", f"{rate:g}")
    sipp = world.dialler(as_caller(caller), to, first_port, talks, None, options)
    try:
        if not processes.ended(sipp.process, calls / rate + talks + wait) and all_end:
            raise TestbedError(f"The load of {calls} calls did not end in time. {sipp.last_words()}")
        placed = [record.result(dialog) for dialog in record.dialogs(sipp.messages)]
    finally:
        sipp.stop()
        world.ports.release(first_port, PORTS)
    return summary(placed, calls)


def summary(placed: Iterable[CallResult], calls: int) -> LoadResult:
    """Count how `calls` calls went; those that were never placed have failed, too. Pure."""
    results = list(placed)
    codes = Counter(result.code for result in results)
    codes[0] += calls - len(results)
    answered = codes.pop(200, 0)
    return LoadResult(
        calls=calls,
        answered=answered,
        failures={code: number for code, number in sorted(codes.items()) if number},
        to_ring=delays([result.time_to_ring for result in results if result.time_to_ring is not None]),
        to_answer=delays([result.time_to_answer for result in results if result.time_to_answer is not None]),
    )


def delays(seconds: Sequence[float]) -> Delays | None:
    """Percentiles by nearest rank; None of nothing."""
    if not seconds:
        return None
    ordered = sorted(seconds)

    def rank(percent: int) -> float:
        return ordered[ceil(len(ordered) * percent / 100) - 1]

    return Delays(rank(50), rank(90), rank(99), ordered[-1])
