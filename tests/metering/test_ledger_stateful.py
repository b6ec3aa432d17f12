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
from bizpbx.metering.allowance import UNLIMITED, Allowance, Part
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
    UNLIMITED,
    Allowance(seconds=600),
    Allowance(seconds=7),
    Allowance(amount=Decimal("30")),
    Allowance(amount=Decimal("1.5")),
)

BEGIN = MIDNIGHT - timedelta(minutes=12)


class Leg:
    """`granted` is nothing where nothing limited it."""

    def __init__(self, name: str, rate: Rate, granted: int | None, ring: int, now: datetime) -> None:
        self.name, self.rate, self.granted, self.ring, self.taken = name, rate, granted, ring, now
        self.answered: datetime | None = None


class Machine(RuleBasedStateMachine):
    """Calls of one extension around midnight of the 1st, under an allowance that may be changed. The clock goes on by
    itself."""

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
        self.over: set[str] = set()
        """Months in which more was talked than granted, or than the limit is by now."""
        self.count = 0

    @initialize(allowance=st.sampled_from(ALLOWANCES[1:]))
    def begin(self, allowance: Allowance) -> None:
        self.allowance = allowance

    @rule(allowance=st.sampled_from(ALLOWANCES))
    def change_the_limit(self, allowance: Allowance) -> None:
        self.allowance = allowance
        # What was used and granted before it stays; only of what is below the new limit more is given.
        self.over = {month for month in (MARCH, APRIL) if not self.within(self.ledger.usage(month))}

    @rule(seconds=st.integers(1, 200))
    def time_goes_on(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(rate=st.sampled_from(RATES), slice=st.sampled_from((20, 120, 600)), ring=st.sampled_from((0, 30)))
    def take(self, rate: Rate, slice: int, ring: int) -> None:
        name = f"{self.serial}-{self.count}"
        self.count += 1
        before, left = self.totals(), self.left()
        granted = self.ledger.take(name, self.allowance, self.now, rate=rate, slice=slice, ring=ring)
        if not isinstance(granted, Granted) or granted.seconds is None:
            assert self.totals() == before
        self.no_more_than(left)
        if isinstance(granted, Granted):
            assert (granted.seconds is None) == (not self.allowance.limited)
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
        before, left = self.totals(), self.left()
        renewed = self.ledger.renew(leg.name, leg.answered, self.allowance, max(self.now, leg.answered), 300)
        self.no_more_than(left)
        if leg.granted is None:
            assert renewed is None
            return
        assert renewed is not None
        assert renewed.seconds == leg.granted + renewed.more
        if not renewed.more:
            # It holds what it had, or less of the month in which it was not answered after all.
            assert all(now <= then for now, then in zip(self.totals(), before, strict=True))
        leg.granted = renewed.seconds

    @precondition(lambda self: self.legs)
    @rule(data=st.data(), part=st.floats(0, 1))
    def settle(self, data: st.DataObject, part: float) -> None:
        leg = data.draw(st.sampled_from(self.legs))
        self.answer(leg, data)
        before = self.totals()
        self.end(leg, max(1, round((leg.granted or 600) * part)))
        # Whatever the limit is by now: no month has more than before by what was granted.
        if leg.granted is not None:
            assert all(now <= then for now, then in zip(self.totals(), before, strict=True))

    @precondition(lambda self: self.legs)
    @rule(data=st.data(), more=st.integers(1, 100))
    def settle_what_talked_too_long(self, data: st.DataObject, more: int) -> None:
        leg = data.draw(st.sampled_from(self.legs))
        self.answer(leg, data)
        self.end(leg, (leg.granted or 600) + more)
        self.over |= {month for month in (MARCH, APRIL) if not self.within(self.ledger.usage(month))}

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
        seen = round((leg.granted or 600) * part)
        until = leg.answered + timedelta(seconds=seen)
        presumed = self.ledger.presume(leg.name, until, until, leg.answered)
        assert presumed is not None
        assert presumed.seconds == max(1, seen if leg.granted is None else min(seen, leg.granted))
        self.ledger.check()
        self.end(leg, max(1, (leg.granted or 600) - 1))

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
        if leg.granted is None:
            self.over |= {month for month in (MARCH, APRIL) if not self.within(self.ledger.usage(month))}
        self.ended.append((leg, seconds))

    @invariant()
    def it_adds_up(self) -> None:
        self.ledger.check()
        usage = {month: self.ledger.usage(month) for month in (MARCH, APRIL)}
        assert sum(one.used_seconds for one in usage.values()) == self.talked
        assert all(month in self.over or self.within(one) for month, one in usage.items())

    def within(self, usage: Usage) -> bool:
        left = usage.left(self.allowance)
        return left.seconds >= 0 and left.amount >= 0

    def left(self) -> list[Part]:
        """What may still be granted, by month."""
        return [self.ledger.usage(month).left(self.allowance) for month in (MARCH, APRIL)]

    def no_more_than(self, before: list[Part]) -> None:
        """What was granted since was left; of what was used up already nothing was."""
        for left, was in zip(self.left(), before, strict=True):
            assert left.seconds >= min(0, was.seconds)
            assert left.amount >= min(Decimal(0), was.amount)

    def totals(self) -> list[Decimal | int]:
        """What is used or reserved, by month."""
        usage = [self.ledger.usage(month) for month in (MARCH, APRIL)]
        return [one.used_seconds + one.reserved_seconds for one in usage] + [
            one.used_amount + one.reserved_amount for one in usage
        ]

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
            max_examples=10,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
