"""What a live switch needs on this machine."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Switch:
    """The programs of a live FreeSWITCH testbed, as found on PATH."""

    freeswitch: Path | None
    sipp: Path | None

    @property
    def missing(self) -> str:
        """A sentence that says what to install; empty if everything is there."""
        absent = [name for name, path in (("freeswitch", self.freeswitch), ("sipp", self.sipp)) if path is None]
        if not absent:
            return ""
        is_or_are = "is" if len(absent) == 1 else "are"
        return (
            f"{' and '.join(absent)} {is_or_are} not on PATH; install FreeSWITCH 1.10 or later and SIPp 3.6 or later."
        )


def which_switch() -> Switch:
    """Look for freeswitch and sipp on PATH."""
    return Switch(path_of("freeswitch"), path_of("sipp"))


def path_of(program: str) -> Path | None:
    found = shutil.which(program)
    return Path(found) if found else None
