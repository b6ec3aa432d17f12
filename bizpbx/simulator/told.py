"""A simulated phone or carrier that is told what to do with its newest call, from outside the switch's thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import gevent

from bizpbx.simulator.core import Core
from bizpbx.simulator.endpoint import Seen, SimulatedEndpoint, press
from bizpbx.simulator.switch import Switch
from bizpbx.testbed.world import Behaviour, TestbedError

PATIENCE: Final = 20.0
"""Seconds until it can be done."""


class ToldEndpoint(SimulatedEndpoint):
    """What world.Callee asks for."""

    def __init__(self, switch: Switch, behaviour: Behaviour, name: str | None) -> None:
        super().__init__(switch.clock, behaviour, name)
        self._switch = switch

    def answer(self) -> None:
        self._tell(lambda seen: not seen.told.is_set(), lambda seen: seen.told.set())

    def press(self, keys: str) -> None:
        self._tell(lambda seen: seen.talks.is_set(), lambda seen: press(seen.leg, keys))

    def hang_up(self) -> None:
        self._tell(lambda seen: seen.talks.is_set(), Seen.hang_up)

    def _tell(self, ready: Callable[[Seen], bool], act: Callable[[Seen], object]) -> None:
        self._switch.run(lambda core: self._act(core, ready, act))

    def _act(self, core: Core, ready: Callable[[Seen], bool], act: Callable[[Seen], object]) -> None:
        deadline = core.clock.now() + PATIENCE
        while not self._seen or self._seen[-1].leg.ended.is_set() or not ready(self._seen[-1]):
            if core.clock.now() > deadline:
                raise TestbedError(f"{self._name or 'The carrier'} has no call with which it could do what it is told.")
            gevent.sleep(0.001)
        act(self._seen[-1])
