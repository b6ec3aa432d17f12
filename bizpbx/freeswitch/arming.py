"""How the switch ends by itself what was not granted: tasks of its own scheduler, set when a leg is answered.

Measured on FreeSWITCH 1.11: the scheduler ticks every half second on whole-second times, so that a leg armed with N
seconds ends up to half a second before or a few hundredths after. The tasks belong to the leg that costs, so they
survive a transfer of the other side. They are in the group that has the leg's UUID for its name, which the switch
empties when the leg ends: the scheduler is one list that is walked with every task and every hang-up, and calls of a
minute that leave tasks of ten behind would fill it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime
from typing import Final

from bizpbx.errors import InvalidText
from bizpbx.policy.plan import Lease

CUT: Final = "ALLOTTED_TIMEOUT"
"""Hang-up cause of a leg whose time ran out."""

WARNING: Final = 10
"""Seconds before the end at which the one who pays is told; with less than twice that, half of it."""

METERED: Final = "bizpbx_metered"
"""`true` on legs that have a lease."""

ARMED: Final = "bizpbx_armed"
"""On such a leg: the seconds that tasks were set for, with commas while some are being replaced."""

_LEG = re.compile(r"[0-9a-f-]{36}")
_PATH = re.compile(r"/[A-Za-z0-9._/+-]+")


def leg_variables(lease: Lease, warning: str) -> list[str]:
    """Variables of a leg in a dial string: its UUID, and what the switch does with it from the answer on.

    `warning` is the path of the sound. Raises InvalidText for a UUID or path that is none.
    """
    variables = [f"origination_uuid={_checked(_LEG, lease.leg)}", f"{METERED}=true"]
    if lease.seconds is not None:
        variables.append(f"{ARMED}={lease.seconds:d}")
        for number, (after, command) in enumerate(_tasks(lease.leg, lease.seconds, warning), 1):
            variables.append(f"api_on_answer_{number}='sched_api +{after} {lease.leg} {command}'")
    return variables


def rearming(leg: str, answered_at: datetime, armed: Collection[int], seconds: int, warning: str) -> list[str]:
    """Commands that let an answered leg talk `seconds` in place of what it is armed with (see ARMED).

    Deleting takes all that a group holds. So the new end is set first, in a group of its own for that moment: there is
    none without an end. And both are on the channel before that, so that whoever goes on after a controller that died
    halfway does it all again.
    """
    began = int(answered_at.timestamp())
    both = ",".join(map(str, (*sorted(set(armed) - {seconds}), seconds)))
    meanwhile = f"bizpbx-{_checked(_LEG, leg)}"
    tasks = _tasks(leg, seconds, warning)
    return [
        f"uuid_setvar {leg} {ARMED} {both}",
        *(f"sched_api {began + after} {meanwhile} {command}" for after, command in tasks[-1:]),
        f"sched_del {leg}",
        *(f"sched_api {began + after} {leg} {command}" for after, command in tasks),
        f"sched_del {meanwhile}",
        f"uuid_setvar {leg} {ARMED} {seconds:d}",
    ]


def armed_with(value: str) -> frozenset[int]:
    """What the variable ARMED says.

    >>> sorted(armed_with("60,600"))
    [60, 600]
    """
    return frozenset(int(part) for part in value.split(",") if part.isascii() and part.isdigit())


def _tasks(leg: str, seconds: int, warning: str) -> list[tuple[int, str]]:
    """(seconds from the answer, command), the end last. The sound is mixed into what comes from the leg: its other side
    hears it, whoever that is by then, and the called one does not."""
    leg, warning = _checked(_LEG, leg), _checked(_PATH, warning)
    return [
        (seconds - min(WARNING, seconds // 2), f"uuid_displace {leg} start {warning} 0 mr"),
        (seconds, f"uuid_kill {leg} {CUT}"),
    ]


def _checked(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise InvalidText(f"{text!r} cannot be part of a command to the switch.")
    return text
