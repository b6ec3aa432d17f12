"""The folder of call records: does the switch's word on its calls reach the database?"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Final

from bizpbx.config import Config
from bizpbx.controller.doctor.finding import Finding, ok, problem, warning
from bizpbx.freeswitch.spool import LOW, SUFFIX, Spool

LATE: Final = 60.0
"""Seconds after which a file should be on record."""
MOST: Final = 10_000
"""Files that are looked at."""


def examine(config: Config) -> Iterator[Finding]:
    spool = Spool(config.records)
    if not spool.folder.is_dir():
        yield warning(
            "spool",
            f"There is no folder {spool.folder} yet. `bizpbx serve` makes it; until then a switch has nowhere to write "
            "the records of its calls.",
        )
        return
    if not os.access(spool.folder, os.R_OK | os.W_OK | os.X_OK):
        yield problem(
            "spool",
            f"This user may not read and write {spool.folder}, so calls are neither put on record nor charged by it. "
            "docs/operations.md says how the switch and bizpbx share it.",
        )
        return
    try:
        yield from contents(spool)
    except OSError as error:
        yield problem("spool", f"{spool.folder} cannot be read: {error.strerror}.")


def contents(spool: Spool) -> Iterator[Finding]:
    """What is in the folder, and how much still fits. Raises OSError."""
    sound = True
    free = spool.free()
    if free < LOW:
        sound = False
        yield problem(
            "spool",
            f"The disk of {spool.folder} has {free >> 20} MB left: the switch will soon write no records. Free some.",
        )
    failed = sum(1 for path in spool.failed.glob(f"*{SUFFIX}")) if spool.failed.is_dir() else 0
    if failed:
        sound = False
        yield warning(
            "spool",
            f"{failed} records in {spool.failed} could not be read; the file .reason beside each says why. They are "
            f"tried again when they are moved back to {spool.folder}.",
        )
    waiting = spool.waiting(MOST)
    late = [each for each in waiting if time.time() - each.written > LATE]
    if late:
        sound = False
        yield problem(
            "spool",
            f"{len(late)} records have waited for longer than {LATE:.0f} s. Is `bizpbx serve` running on this machine, "
            "with the same BIZPBX_SPOOL?",
        )
    if sound:
        yield ok("spool", f"{spool.folder}: {len(waiting)} records wait, {free >> 20} MB are free")
