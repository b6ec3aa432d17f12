"""Many at once on one ledger: threads that start together, and callers that take, renew and settle by chance."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random
from threading import Barrier
from typing import TypeVar

from bizpbx.directory.database import Database
from bizpbx.metering.allowance import Allowance
from bizpbx.metering.terms import Granted
from tests.metering.ledger import NOON, RATE, Ledger

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds that a writer waits for SQLite here: its waiters are not served in order."""


def at_once(many: int, work: Callable[[int], T]) -> list[T]:
    """What `work(0)`, `work(1)` … return, each in a thread of its own. Raises what any of them does."""
    barrier = Barrier(many)

    def begin(number: int) -> T:
        barrier.wait(PATIENCE)
        return work(number)

    with ThreadPoolExecutor(many) as pool:
        return list(pool.map(begin, range(many)))


class Caller:
    """Makes calls of extension 100, one after the other, and looks at its usage after each. Connections of its own."""

    def __init__(self, url: str, organisation_id: int, name: str, allowance: Allowance) -> None:
        self.ledger = Ledger(Database(url, busy_timeout=PATIENCE), organisation_id)
        self.name = name
        self.allowance = allowance
        self.chance = Random(name)
        self.taken = 0
        self.talked = 0

    def calls(self, many: int) -> Caller:
        for number in range(many):
            self.call(f"{self.name}-{number}")
        self.ledger.database.close()
        return self

    def call(self, leg: str) -> None:
        granted = self.ledger.take(leg, self.allowance, NOON, rate=RATE)
        self.look()
        if not isinstance(granted, Granted) or granted.seconds is None:
            return
        self.taken += 1
        seconds, answered = granted.seconds, NOON + timedelta(seconds=self.chance.randint(0, 30))
        if self.chance.random() < 0.3:
            self.ledger.release(leg)
            return
        for _ in range(self.chance.randint(0, 2)):
            renewed = self.ledger.renew(leg, answered, self.allowance, answered + timedelta(seconds=seconds / 2))
            assert renewed is not None
            assert renewed.seconds is not None
            seconds = renewed.seconds
        # Most hang up early, so that there is something to be granted again.
        talked = self.chance.randint(1, seconds if self.chance.random() < 0.1 else 10)
        settled = self.ledger.settle(leg, min(talked, seconds), answered)
        assert settled is not None
        self.talked += settled.seconds
        self.look()

    def look(self) -> None:
        """Whatever others do: never over the limit."""
        usage = self.ledger.usage()
        if self.allowance.seconds is not None:
            assert usage.used_seconds + usage.reserved_seconds <= self.allowance.seconds
        if self.allowance.amount is not None:
            assert usage.used_amount + usage.reserved_amount <= self.allowance.amount
