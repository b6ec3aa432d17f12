"""Fifty calls of one extension with five minutes left, played with the switch's cut and a clock of their own: together
they talk no longer than there is."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from datetime import timedelta
from random import Random

import pytest

from bizpbx.directory.database import Database
from bizpbx.directory.organisation import Organisation
from bizpbx.metering.allowance import Allowance
from bizpbx.metering.lease import LeaseState
from bizpbx.metering.pricing import Rate, cost
from bizpbx.metering.terms import Granted
from tests.metering.ledger import IN_STEPS, NOON, RATE, ZONE, Ledger

CALLS = 50
LEFT = 300
"""Seconds."""

LIMITS = {
    "minutes": (Allowance(seconds=LEFT), RATE),
    "amount": (Allowance(amount=cost(RATE, LEFT)), RATE),
    "amount in steps": (Allowance(amount=cost(IN_STEPS, LEFT)), IN_STEPS),
}


@dataclass
class Call:
    """`answered` and `granted` in seconds, the former since noon; `wish`: when its callers would hang up."""

    leg: str
    answered: float
    granted: int
    wish: int

    @property
    def end(self) -> float:
        """The switch cuts it by itself."""
        return self.answered + min(self.granted, self.wish)


class Evening:
    """A controller, or none, and a switch. What happens next is whatever comes first on the clock, in an order that
    `seed` gives."""

    def __init__(self, ledger: Ledger, allowance: Allowance, rate: Rate, seed: str) -> None:
        self.ledger, self.allowance, self.rate = ledger, allowance, rate
        self.chance = Random(seed)
        self.events: list[tuple[float, int, str, str]] = []
        self.calls: dict[str, Call] = {}
        self.talked: list[int] = []
        self.patience = self.chance.choice((20, 90, 4000))
        """Seconds that people talk for at most."""
        self.reliable = self.chance.random() < 0.7
        """Otherwise renewals come late or never, as while there is no controller."""
        spread = self.chance.choice((0, 30, 600))
        for number in range(CALLS):
            self.at(self.chance.uniform(0, spread), "take", str(number))

    def at(self, when: float, what: str, leg: str) -> None:
        heapq.heappush(self.events, (when, self.chance.getrandbits(30), what, leg))

    def play(self) -> Evening:
        while self.events:
            when, _, what, leg = heapq.heappop(self.events)
            getattr(self, what)(when, leg)
        return self

    def take(self, when: float, leg: str) -> None:
        now = NOON + timedelta(seconds=when)
        granted = self.ledger.take(leg, self.allowance, now, rate=self.rate, ring=60)
        if not isinstance(granted, Granted):
            return
        assert granted.seconds is not None
        ring = self.chance.uniform(0, 60)
        if self.chance.random() < 0.1:
            self.at(when + ring, "give_up", leg)
            return
        self.calls[leg] = Call(leg, when + ring, granted.seconds, self.chance.randint(1, self.patience))
        self.look(leg, when + ring + granted.seconds / 2)
        self.at(self.calls[leg].end, "end", leg)

    def give_up(self, when: float, leg: str) -> None:
        self.ledger.release(leg, NOON + timedelta(seconds=when))

    def look(self, leg: str, when: float) -> None:
        if self.reliable or self.chance.random() < 0.5:
            self.at(when + self.chance.uniform(0, 2), "renew", leg)

    def renew(self, when: float, leg: str) -> None:
        call = self.calls.get(leg)
        if call is None:
            return
        now, answered = NOON + timedelta(seconds=when), NOON + timedelta(seconds=call.answered)
        renewed = self.ledger.renew(leg, answered, self.allowance, now)
        assert renewed is not None
        assert renewed.seconds is not None
        call.granted = renewed.seconds
        again = self.ledger.lease(leg).renew_at
        if again is not None:
            self.look(leg, (again - NOON).total_seconds())

    def end(self, when: float, leg: str) -> None:
        call = self.calls[leg]
        if call.end > when:  # it was given more meanwhile
            self.at(call.end, "end", leg)
            return
        del self.calls[leg]
        self.talked.append(min(call.granted, call.wish))
        self.ledger.settle(leg, self.talked[-1], NOON + timedelta(seconds=call.answered))


@pytest.mark.parametrize("limit", LIMITS)
def test_fifty_calls_talk_no_longer_than_there_is(database: Database, limit: str) -> None:
    allowance, rate = LIMITS[limit]
    used_up = 0
    for seed in range(3):
        with database.writing() as session:
            owner = Organisation(domain=f"o{seed}.example", name="O", timezone=ZONE, country="SG", currency="SGD")
            session.add(owner)
            session.flush()
            ledger = Ledger(database, owner.id, f"fs{seed}")
        evening = Evening(ledger, allowance, rate, f"{limit} {seed}").play()
        # However their ends and beginnings, answers and renewals fall among each other,
        usage = ledger.usage()
        assert sum(evening.talked) == usage.used_seconds
        assert sum(cost(rate, seconds) for seconds in evening.talked) == usage.used_amount
        if allowance.seconds is not None:
            assert usage.used_seconds <= allowance.seconds
        if allowance.amount is not None:
            assert usage.used_amount <= allowance.amount
        # nothing stays behind,
        assert (usage.reserved_seconds, usage.reserved_amount) == (0, 0)
        assert ledger.count(LeaseState.OPEN) == 0
        ledger.check()
        used_up += ledger.seconds("late", allowance, rate=rate) == 0
    # and where people talk on, all of it is used.
    assert used_up > 0
