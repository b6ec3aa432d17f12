"""Thirty-two at once on the ledger of one extension: never over the limit, never a lease lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest
from sqlalchemy import text

from bizpbx.directory.database import Database
from bizpbx.metering import settling
from bizpbx.metering.allowance import UNLIMITED, Allowance, Part
from bizpbx.metering.lease import LeaseState
from bizpbx.metering.pricing import Rate, cost
from bizpbx.metering.settling import Talk
from bizpbx.metering.terms import Denied, Granted
from bizpbx.metering.usage import Key, Usage, locked, reserve
from tests.metering.crowd import PATIENCE, Caller, at_once
from tests.metering.ledger import APRIL, IN_STEPS, MARCH, MIDNIGHT, NOON, RATE, Ledger, cents, minutes

MANY = 32


@pytest.fixture
def crowd(ledger: Ledger) -> Iterator[list[Ledger]]:
    """The same ledger, as often as there are threads, each with connections of its own."""
    url = ledger.database.url.render_as_string(hide_password=False)
    ledgers = [Ledger(Database(url, busy_timeout=PATIENCE), ledger.organisation_id) for _ in range(MANY)]
    yield ledgers
    for one in ledgers:
        one.database.close()


@pytest.mark.parametrize("allowance", [minutes(20), cents("40")], ids=["minutes", "amount"])
@pytest.mark.thorough
def test_callers_at_once_share_one_allowance(ledger: Ledger, allowance: Allowance) -> None:
    url = ledger.database.url.render_as_string(hide_password=False)
    callers = at_once(MANY, lambda number: Caller(url, ledger.organisation_id, str(number), allowance).calls(3))
    # Each lease is there, each has ended, and together they come to what is used.
    assert sum(caller.taken for caller in callers) == ledger.count() > MANY
    assert ledger.count(LeaseState.OPEN) == 0
    usage = ledger.usage()
    assert usage.used_seconds == sum(caller.talked for caller in callers)
    assert (usage.reserved_seconds, usage.reserved_amount) == (0, 0)
    ledger.check()


@pytest.mark.parametrize(
    ("allowance", "rate"),
    [(minutes(5), RATE), (cents("10"), RATE), (cents("77.7777"), IN_STEPS)],
    ids=["minutes", "amount", "amount in steps"],
)
def test_calls_at_once_are_not_granted_more_than_there_is(
    ledger: Ledger, crowd: list[Ledger], allowance: Allowance, rate: Rate
) -> None:
    # When thirty-two calls ask at the same moment,
    given = at_once(MANY, lambda number: crowd[number].seconds(str(number), allowance, rate=rate))
    granted = [seconds for seconds in given if seconds]
    # then together they have no more than there is; the lease of each is there, and the others have none.
    if allowance.seconds is not None:
        assert sum(granted) <= allowance.seconds
    else:
        assert sum(cost(rate, seconds) for seconds in granted) <= (allowance.amount or 0)
    assert ledger.count(LeaseState.OPEN) == len(granted) > 1
    usage = ledger.usage()
    assert usage.reserved_seconds == sum(granted)
    assert usage.reserved_amount == sum(cost(rate, seconds) for seconds in granted)
    # The rest is less than the least that one more call could have had.
    assert ledger.seconds("late", allowance, rate=rate) == 0
    ledger.check()


def test_what_is_left_is_given_to_one_of_those_who_ask_at_once(ledger: Ledger, crowd: list[Ledger]) -> None:
    # Given a minute that is left, which is given whole,
    given = at_once(MANY, lambda number: crowd[number].seconds(str(number), minutes(1)))
    # then one has it.
    assert sorted(given) == [0] * (MANY - 1) + [60]
    assert ledger.usage().reserved_seconds == 60
    ledger.check()


def test_a_leg_that_is_taken_by_many_has_one_lease(ledger: Ledger, crowd: list[Ledger]) -> None:
    answers = at_once(MANY, lambda number: crowd[number].take("a", minutes(300)))
    assert len({answer.lease_id for answer in answers if isinstance(answer, Granted)}) == 1
    assert sorted(answer.again for answer in answers if isinstance(answer, Granted)) == [False] + [True] * (MANY - 1)
    assert ledger.usage().reserved_seconds == 600
    ledger.check()


def test_a_leg_that_is_settled_renewed_and_taken_by_many_is_charged_once(ledger: Ledger, crowd: list[Ledger]) -> None:
    assert ledger.seconds("a", minutes(300)) == 600

    def work(number: int) -> object:
        one, now = crowd[number], NOON + timedelta(seconds=100 + number)
        if number % 4 == 0:
            return one.settle("a", 100 + number)
        if number % 4 == 1:
            return one.renew("a", NOON, minutes(300), now)
        if number % 4 == 2:
            return one.presume("a", now, now, NOON)
        return one.take("a", minutes(300), now)

    answers = at_once(MANY, work)
    # The first record counts, whoever brought it, whatever came between.
    assert len({str(answer) for answer in answers[::4]}) == 1
    lease = ledger.lease("a")
    assert lease.state is LeaseState.SETTLED
    assert lease.ended_at is not None
    assert ledger.usage().used_seconds == (lease.ended_at - NOON).total_seconds()
    assert ledger.usage().reserved_seconds == 0
    assert all(isinstance(answer, Granted | Denied) for answer in answers[3::4])
    ledger.check()


def test_the_first_calls_of_a_month_make_one_row(ledger: Ledger, crowd: list[Ledger]) -> None:
    # Given calls that may fall into two months, of which there is nothing yet,
    def work(number: int) -> int:
        return crowd[number].seconds(str(number), minutes(300), MIDNIGHT - timedelta(seconds=200), slice=300)

    assert at_once(MANY, work) == [300] * MANY
    # then all of them are in both.
    assert ledger.usage(MARCH).reserved_seconds == MANY * 200
    assert ledger.usage(APRIL).reserved_seconds == MANY * (300 - 200 + 60)
    ledger.check()


@pytest.mark.thorough
def test_calls_that_come_renew_and_go_at_once_stay_within_the_limit(ledger: Ledger, crowd: list[Ledger]) -> None:
    # Given calls around midnight of the 1st, each of which asks, talks as long as it may, and ends,
    allowance = minutes(12)

    def call(seed: int) -> int:
        one, chance = crowd[seed], Random(seed)
        talked = 0
        for number in range(4):
            leg = f"{seed}-{number}"
            begin = MIDNIGHT + timedelta(seconds=chance.randint(-300, 200))
            may = one.seconds(leg, allowance, begin, slice=chance.choice((60, 300)))
            if not may:
                continue
            for _ in range(chance.randint(0, 3)):
                renewed = one.renew(leg, begin, allowance, begin + timedelta(seconds=may // 2))
                assert renewed is not None
                assert renewed.seconds is not None
                may = renewed.seconds
            seconds = chance.choice((0, chance.randint(1, may), may))
            one.settle(leg, seconds, begin)
            talked += seconds
        return talked

    talked = at_once(MANY, call)
    # then no month has more than its limit, nothing is reserved any more, and each second is in a month.
    march, april = ledger.usage(MARCH), ledger.usage(APRIL)
    assert march.used_seconds <= 720
    assert april.used_seconds <= 720
    assert march.used_seconds + april.used_seconds == sum(talked) > 720
    assert (march.reserved_seconds, april.reserved_seconds) == (0, 0)
    ledger.check()


def test_batches_that_overlap_settle_each_leg_once(ledger: Ledger, crowd: list[Ledger]) -> None:
    # Given legs of several extensions,
    for number in range(40):
        assert ledger.seconds(str(number), minutes(3000), extension=str(100 + number % 4)) > 0

    def work(number: int) -> dict[tuple[str, str], object]:
        legs = Random(number).sample(range(40), 20)
        talks = [Talk("fs1", str(leg), NOON, 10 + leg) for leg in legs]
        with crowd[number].database.writing() as session:
            return dict(settling.settle_all(session, talks, NOON))

    # which many settle in batches, each in an order of its own,
    outcomes: dict[tuple[str, str], object] = {}
    for batch in at_once(MANY, work):
        # then all are told the same of each leg,
        assert all(outcomes.setdefault(leg, told) == told for leg, told in batch.items())
    # and it is charged once.
    assert len(outcomes) == 40
    assert sum(ledger.usage(extension=str(100 + n)).used_seconds for n in range(4)) == sum(range(10, 50))
    ledger.check()


def test_who_reserves_is_held_to_the_limit_by_the_database_itself(ledger: Ledger, crowd: list[Ledger]) -> None:
    # Given the row of a month, which nobody has locked,
    key = Key(ledger.organisation_id, "100", MARCH)
    with ledger.database.writing() as session:
        locked(session, ledger.organisation_id, "100", [MARCH])

    def fit(allowance: Allowance) -> int:
        def work(number: int) -> bool:
            with crowd[number].database.writing() as session:
                return reserve(session, key, Part(60, Decimal(2)), allowance)

        return sum(at_once(MANY, work))

    # each kind of limit lets in as many as fit.
    assert fit(minutes(5)) == 5
    assert fit(cents("16")) == 3
    assert ledger.usage() == Usage(0, Decimal(0), 480, Decimal(16))


def test_a_call_that_ends_in_a_new_month_does_not_wait_in_a_circle(ledger: Ledger) -> None:
    # Given a call that nothing limits, so that there is no row of the month in which it ends,
    ledger.take("a", UNLIMITED, MIDNIGHT - timedelta(hours=1))
    with ThreadPoolExecutor(1) as pool, ledger.database.writing() as session:
        # and another call of the extension that has the row of the old month
        locked(session, ledger.organisation_id, "100", [MARCH])
        ending = pool.submit(ledger.settle, "a", 7200, MIDNIGHT - timedelta(hours=1))
        wait_for_lock(ledger)
        # when it needs that of the new month as well, then it gets it, and the other one waits.
        locked(session, ledger.organisation_id, "100", [MARCH, APRIL])
        session.commit()
        assert ending.result(PATIENCE) is not None
    assert ledger.usage(MARCH).used_seconds == ledger.usage(APRIL).used_seconds == 3600
    ledger.check()


def wait_for_lock(ledger: Ledger) -> None:
    """Until somebody waits for a lock of somebody else's. SQLite has one writer; who waits for it has nothing."""
    if ledger.database.is_sqlite:
        return
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type='Lock'"
    )
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with ledger.database.reading() as session:
            if session.execute(waiting).scalar_one():
                return
        time.sleep(0.01)
    raise AssertionError("nobody waits")
