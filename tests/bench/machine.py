"""What the machine does besides: figures of a busy one say little."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


def cpu_of(pid: int) -> float:
    """Seconds of CPU a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Clock:
    """Seconds of all processors together since the machine was started."""

    busy: float
    all: float

    @classmethod
    def now(cls) -> Clock:
        ticks = [int(word) for word in Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()[1:]]
        # user nice system idle iowait irq softirq steal; guest time is in user.
        waiting = ticks[3] + ticks[4]
        per_second = os.sysconf("SC_CLK_TCK")
        return cls((sum(ticks[:8]) - waiting) / per_second, sum(ticks[:8]) / per_second)

    def share_since(self, earlier: Clock) -> float:
        """How much of its processors the machine used, 0 to 1."""
        return (self.busy - earlier.busy) / max(1e-9, self.all - earlier.all)


def described() -> str:
    """Processors, and how many programs wanted one in the last minute."""
    return f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} before"
