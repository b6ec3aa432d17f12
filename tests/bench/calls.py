"""What a call costs with a controller, against the same call in a static XML dialplan on the same switch.

The same FreeSWITCH and phones. Three ways: everything static; the dialplan static but devices looked
up at the controller, so that a deactivated one is out at once; and both by the controller, as in production. The second
against the third is what deciding calls costs. The ways take turns, so that what else the machine does falls on all.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from bizpbx.testbed.installation import Installation, SwitchKind
from bizpbx.testbed.requirements import which_switch
from bizpbx.testbed.sipp import SippWorld
from bizpbx.testbed.sipp.load import LoadResult, load
from bizpbx.testbed.world import answers, rings_only
from tests.bench.table import Row, show

DOMAIN = "acme.example"
SETTINGS = """
organisation: {name: Acme, domain: acme.example, timezone: Asia/Singapore, country: SG, currency: SGD}
licences: {ip_phone: 2, mobile: 0, desktop: 0}
extensions:
  - {key: "101", label: Sales, devices: {ip_phone: {}}, incoming: {devices: [ip_phone]}}
  - {key: "102", label: Support, devices: {ip_phone: {}}, incoming: {devices: [ip_phone]}}
"""
STATIC = """<include>
<context name="acme.example"><extension name="key">
<condition field="destination_number" expression="^(10\\d)$">
<action application="set" data="hangup_after_bridge=true"/>
<action application="set" data="continue_on_fail=true"/>
<action application="set" data="call_timeout=30"/>
<action application="bridge" data="sofia/internal/$1-ip_phone.acme.example%acme.example"/>
</condition></extension></context>
</include>
"""
NO_CURL = '<include>\n<configuration name="xml_curl.conf"><bindings/></configuration>\n</include>\n'
LOADS = ((6, 60), (20, 200), (50, 400))
"""(calls a second, calls): one at a time; as many as two slow cores can take; and the load of the goals."""
WARM_UP = 50
ROUNDS = 2
TALKS = 0.1


class Way(StrEnum):
    STATIC = "all static"
    LOOKED_UP = "static dialplan, devices looked up"
    CONTROLLED = "controller"


AnyWay = TypeVar("AnyWay", bound=StrEnum)
Compared = tuple[tuple[str, str], ...]
"""(one way, another one that it is set against)."""

COMPARED: Compared = ((Way.CONTROLLED, Way.LOOKED_UP), (Way.CONTROLLED, Way.STATIC))


@dataclass(frozen=True)
class Measured:
    """CPU in milliseconds a call, delays in milliseconds from the first INVITE."""

    ring_p50: float
    ring_p99: float
    switch_cpu: float
    controller_cpu: float
    failed: str
    """Calls that were not answered, by final SIP code: `407: 3`."""

    @property
    def cpu(self) -> float:
        return self.switch_cpu + self.controller_cpu


def measure(way: Way, rate: int, calls: int) -> Measured:
    """One run: a fresh installation, a warm-up, then `calls` calls at `rate` a second."""
    with TemporaryDirectory(prefix="bizpbx-bench-") as folder, installation(Path(folder)) as made:
        made.apply(SETTINGS)
        passwords = {key: made.credentials(DOMAIN, key, "ip_phone")[1] for key in ("101", "102")}
        made.render()
        if way is not Way.CONTROLLED:
            (made.tree / f"dialplan/bizpbx-{DOMAIN}.xml").write_text(STATIC)
        if way is Way.STATIC:
            (made.tree / "autoload_configs/xml_curl.conf.xml").write_text(NO_CURL)
        made.controllers[0].start()
        world = made.start_switch()
        assert isinstance(world, SippWorld) and made.switch is not None
        caller = world.phone(DOMAIN, "101-ip_phone", passwords["101"], rings_only)
        world.phone(DOMAIN, "102-ip_phone", passwords["102"], answers(0.05))
        load(world, caller, "102", calls=WARM_UP, rate=25, talks=TALKS)
        switch, controller = made.switch.usage.cpu, cpu_of(made.controllers[0].pid)
        result = load(world, caller, "102", calls=calls, rate=rate, talks=TALKS)
        switch, controller = made.switch.usage.cpu - switch, cpu_of(made.controllers[0].pid) - controller
        return measured(result, switch, controller)


def measured(result: LoadResult, switch: float, controller: float) -> Measured:
    delays = result.to_ring
    assert delays is not None, f"no call rang: {result.failures}"
    per_call = 1000 / result.calls
    failed = ", ".join(f"{code}: {count}" for code, count in sorted(result.failures.items())) or "none"
    return Measured(delays.p50 * 1000, delays.p99 * 1000, switch * per_call, controller * per_call, failed)


def installation(folder: Path) -> Installation:
    return Installation(SwitchKind.FREESWITCH, folder, media_ports=2000, keeps_tree=False)


def cpu_of(pid: int) -> float:
    """Seconds of CPU a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run() -> list[Row]:
    """Rows of the table; empty where there is no FreeSWITCH or SIPp."""
    if which_switch().missing:
        return []
    return rows(Way, measure, COMPARED)


def rows(ways: type[AnyWay], measure: Callable[[AnyWay, int, int], Measured], compared: Compared) -> list[Row]:
    """The ways take turns at each load; of the runs of each the best counts, for noise only ever adds."""
    found: list[Row] = []
    for rate, calls in LOADS:
        runs: dict[str, list[Measured]] = {way.value: [] for way in ways}
        for _ in range(ROUNDS):
            for way in ways:
                runs[way.value].append(measure(way, rate, calls))
        best = {way: min(of, key=lambda one: one.ring_p50) for way, of in runs.items()}
        found += [{"calls/s": rate, "call": way, **fields(one)} for way, one in best.items()]
        found += [
            {"calls/s": rate, "call": f"{ours}, against {theirs}", **difference(best[ours], best[theirs])}
            for ours, theirs in compared
        ]
    return found


def difference(ours: Measured, theirs: Measured) -> Row:
    return {
        "ring p50 ms": f"{ours.ring_p50 - theirs.ring_p50:+.1f}",
        "ring p99 ms": f"{ours.ring_p99 - theirs.ring_p99:+.1f}",
        "CPU ms": f"{ours.cpu / theirs.cpu:.2f}x",
    }


def fields(one: Measured) -> Row:
    return {
        "ring p50 ms": f"{one.ring_p50:.1f}",
        "ring p99 ms": f"{one.ring_p99:.1f}",
        "CPU ms": f"{one.cpu:.1f}",
        "switch": f"{one.switch_cpu:.1f}",
        "controller": f"{one.controller_cpu:.1f}",
        "failed": one.failed,
    }


if __name__ == "__main__":
    show("A call with a controller against a static dialplan", run())
