"""The ledger under any order of what can happen to legs, held to a model of it, on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bizpbx.directory.database import Database
from bizpbx.directory.organisation import Organisation
from bizpbx.metering.allowance import Allowance
from bizpbx.metering.pricing import Rate, cost
from bizpbx.metering.terms import Granted
from bizpbx.metering.usage import Usage
from tests.metering.ledger import APRIL, MARCH, MIDNIGHT, ZONE, Ledger

RATES = (
    Rate("65", Decimal(2)),
    Rate("84", Decimal("7.5"), Decimal("1.25"), first=30, next=6),
    Rate("93", Decimal("0.3333"), first=1, next=60),
    Rate("65800", Decimal(0)),
)

ALLOWANCES = (
    Allowance(seconds=600),
    Allowance(seconds=7),
    Allowance(amount=Decimal("30")),
    Allowance(amount=Decimal("1.5")),
)

BEGIN = MIDNIGHT - timedelta(minutes=12)


class Leg:
    def __init__(self, name: str, rate: Rate, granted: int, ring: int, now: datetime) -> None:
        self.name, self.rate, self.granted, self.ring, self.taken = name, rate, granted, ring, now
        self.answered: datetime | None = None


class Machine(RuleBasedStateMachine):
    """Calls of one extension around midnight of the 1st, under one allowance. The clock goes on by itself."""

    database: Database
    serial = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).serial += 1
        with self.database.writing() as session:
            owner = Organisation(
                domain=f"o{self.serial}.example", name="O", timezone=ZONE, country="SG", currency="SGD"
            )
            session.add(owner)
            session.flush()
            self.ledger = Ledger(self.database, owner.id)
        self.now = BEGIN
        self.allowance = ALLOWANCES[0]
        self.legs: list[Leg] = []
        self.ended: list[tuple[Leg, int]] = []
        self.talked = 0
        self.overtalked = False
        self.count = 0

    @initialize(allowance=st.sampled_from(ALLOWANCES))
    def limit(self, allowance: Allowance) -> None:
        self.allowance = allowance

    @rule(seconds=st.integers(1, 200))
    def time_goes_on(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(rate=st.sampled_from(RATES), slice=st.sampled_from((20, 120, 600)), ring=st.sampled_from((0, 30)))
    def take(self, rate: Rate, slice: int, ring: int) -> None:
        name = f"{self.serial}-{self.count}"
        self.count += 1
        granted = self.ledger.take(name, self.allowance, self.now, rate=rate, slice=slice, ring=ring)
        if isinstance(granted, Granted):
            assert granted.seconds is not None
            self.legs.append(Leg(name, rate, granted.seconds, ring, self.now))

    @precondition(lambda self: self.legs)
    @rule(data=st.data())
    def take_again(self, data: st.DataObject) -> None:
        leg = data.draw(st.sampled_from(self.legs))
        again = self.ledger.take(leg.name, self.allowance, self.now, rate=leg.rate)
        assert isinstance(again, Granted)
        assert (again.seconds, again.again) == (leg.granted, True)

    @precondition(lambda self: self.legs)
    @rule(data=st.data())
    def renew(self, data: st.DataObject) -> None:
        leg = data.draw(st.sampled_from(self.legs))
        self.answer(leg, data)
        assert leg.answered is not None
        renewed = self.ledger.renew(leg.name, leg.answered, self.allowance, max(self.now, leg.answered), 300)
        assert renewed is not None
        assert renewed.seconds == leg.granted + renewed.more
        leg.granted = renewed.seconds

    @precondition(lambda self: self.legs)
    @rule(data=st.data(), part=st.floats(0, 1))
    def settle(self, data: st.DataObject, part: float) -> None:
        leg = data.draw(st.sampled_from(self.legs))
        self.answer(leg, data)
        self.end(leg, max(1, round(leg.granted * part)))

    @precondition(lambda self: self.legs)
    @rule(data=st.data(), more=st.integers(1, 100))
    def settle_what_talked_too_long(self, data: st.DataObject, more: int) -> None:
        leg = data.draw(st.sampled_from(self.legs))
        self.answer(leg, data)
        self.overtalked = True
        self.end(leg, leg.granted + more)

    @precondition(lambda self: self.legs)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        leg = data.draw(st.sampled_from([leg for leg in self.legs if leg.answered is None] or self.legs))
        if leg.answered is None:
            assert self.ledger.release(leg.name, self.now) is not None
            self.legs.remove(leg)

    @precondition(lambda self: self.legs)
    @rule(data=st.data(), part=st.floats(0, 2))
    def presume_and_correct(self, data: st.DataObject, part: float) -> None:
        leg = data.draw(st.sampled_from(self.legs))
        self.answer(leg, data)
        assert leg.answered is not None
        until = leg.answered + timedelta(seconds=leg.granted * part)
        presumed = self.ledger.presume(leg.name, until, until, leg.answered)
        assert presumed is not None
        assert 1 <= presumed.seconds <= leg.granted
        self.ledger.check()
        self.end(leg, max(1, leg.granted - 1))

    @precondition(lambda self: self.ended)
    @rule(data=st.data(), seconds=st.integers(0, 100))
    def settle_again(self, data: st.DataObject, seconds: int) -> None:
        leg, talked = data.draw(st.sampled_from(self.ended))
        assert leg.answered is not None
        again = self.ledger.settle(leg.name, seconds, leg.answered)
        assert again is not None
        assert (again.seconds, again.amount) == (talked, cost(leg.rate, talked))

    def answer(self, leg: Leg, data: st.DataObject) -> None:
        """At any moment that it can ring to."""
        if leg.answered is None:
            leg.answered = leg.taken + timedelta(seconds=data.draw(st.integers(0, leg.ring)))

    def end(self, leg: Leg, seconds: int) -> None:
        assert leg.answered is not None
        settled = self.ledger.settle(leg.name, seconds, leg.answered)
        assert settled is not None
        assert (settled.seconds, settled.amount) == (seconds, cost(leg.rate, seconds))
        self.talked += seconds
        self.legs.remove(leg)
        self.ended.append((leg, seconds))

    @invariant()
    def it_adds_up(self) -> None:
        self.ledger.check()
        used = [self.ledger.usage(month) for month in (MARCH, APRIL)]
        assert sum(usage.used_seconds for usage in used) == self.talked
        for usage in used:
            assert self.overtalked or self.within(usage)

    def within(self, usage: Usage) -> bool:
        if self.allowance.seconds is not None:
            return usage.used_seconds + usage.reserved_seconds <= self.allowance.seconds
        return usage.used_amount + usage.reserved_amount <= (self.allowance.amount or 0)

    def teardown(self) -> None:
        for leg in self.legs:
            self.ledger.release(leg.name, self.now)
        self.legs = []
        for month in (MARCH, APRIL):
            usage = self.ledger.usage(month)
            assert (usage.reserved_seconds, usage.reserved_amount) == (0, 0)
        self.ledger.check()


def test_it_holds_in_any_order(database: Database) -> None:
    class OnThis(Machine):
        pass

    OnThis.database = database
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        OnThis,
        settings=settings(
            max_examples=25,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
