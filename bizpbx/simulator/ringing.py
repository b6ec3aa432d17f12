"""Legs that ring together: the first answer wins, the others are cancelled."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import gevent
from gevent.event import Event as Flag

from bizpbx.simulator.channel import Channel
from bizpbx.simulator.clock import Clock
from bizpbx.simulator.legs import OutgoingLeg


def ring(
    clock: Clock,
    caller: Channel,
    legs: Sequence[OutgoingLeg],
    timeout: float,
    fatal: Collection[str] = (),
    cancel: str = "",
) -> tuple[OutgoingLeg | None, str | None]:
    """Ring all legs. Returns the one that answered, or the cause why none did (None: there was no leg at all). A leg
    that ends with a cause of `fatal` ends them all; FreeSWITCH says then that nobody answered. So does the key `cancel`
    of the caller.

    When all fail, the cause is that of the first leg in the dial string, not of the first or last to fail.
    """
    if not legs:
        return None, None
    changed = Flag()
    deadline = clock.now() + timeout
    caller.ended.rawlink(lambda _: changed.set())
    cancelled = Flag()
    helpers = [gevent.spawn(_run, clock, caller, leg, changed) for leg in legs]
    watcher = gevent.spawn(_until_key, caller, cancel, cancelled, changed) if cancel else None
    try:
        while True:
            winner = next((leg for leg in legs if leg.channel.answered.is_set() and leg.channel.up), None)
            if not caller.up or cancelled.is_set():
                return _cancel(legs, "ORIGINATOR_CANCEL")
            if winner is not None:
                _cancel([leg for leg in legs if leg is not winner], "LOSE_RACE")
                return winner, None
            if len(legs) > 1 and any(not leg.channel.up and leg.channel.cause in fatal for leg in legs):
                return _cancel(legs, "NO_ANSWER")
            if not any(leg.channel.up for leg in legs):
                return None, legs[0].channel.cause
            changed.clear()
            if not clock.wait(changed, deadline - clock.now()):
                return _cancel(legs, "NO_ANSWER")
    finally:
        gevent.killall([*helpers, *([watcher] if watcher is not None else [])])


def _until_key(caller: Channel, cancel: str, cancelled: Flag, changed: Flag) -> None:
    while caller.up and caller.key(1.0) != cancel:
        pass
    cancelled.set()
    changed.set()


def _cancel(legs: Sequence[OutgoingLeg], cause: str) -> tuple[None, str]:
    for leg in legs:
        leg.channel.hang_up(cause)
    return None, cause


def _run(clock: Clock, caller: Channel, leg: OutgoingLeg, changed: Flag) -> None:
    channel = leg.channel
    for flag in (channel.answered, channel.ended):
        flag.rawlink(lambda _: changed.set())
    channel.ringing.rawlink(lambda _: caller.ring())
    if leg.delay and channel.wait(leg.delay):
        return
    leg.start()
    signs = [channel.ringing, channel.early, channel.answered, channel.ended]
    if not gevent.wait(signs, min(leg.silence, leg.progress_timeout or leg.silence) / clock.speed, count=1):
        if leg.progress_timeout is not None and leg.progress_timeout < leg.silence:
            channel.hang_up("PROGRESS_TIMEOUT")
        else:
            channel.hang_up("RECOVERY_ON_TIMER_EXPIRE", 408)
    if leg.timeout is not None and not channel.wait(leg.timeout) and not channel.answered.is_set():
        channel.hang_up("ALLOTTED_TIMEOUT")
