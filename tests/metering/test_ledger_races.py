"""Takes, renewals and settlements at the same moment, on SQLite and PostgreSQL: never over the limit, nothing lost."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from multiprocessing.synchronize import Event

import pytest

from bizpbx.directory.database import Database
from bizpbx.metering.allowance import Allowance
from bizpbx.metering.lease import LeaseState
from bizpbx.metering.pricing import Rate, cost
from bizpbx.metering.renewal import open_on
from bizpbx.metering.terms import Granted
from tests.metering.ledger import APRIL, MARCH, MIDNIGHT, NOON, RATE, Ledger, cents, minutes

THREADS = 32

STEP = Rate("84", Decimal("7.5"), Decimal("1.25"), first=30, next=6)


def at_once(actions: list[Callable[[], object]]) -> list[object]:
    start = threading.Barrier(len(actions))

    def one(action: Callable[[], object]) -> object:
        start.wait()
        return action()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(one, actions))


@pytest.mark.parametrize(
    ("allowance", "rate"),
    [(minutes(5), RATE), (cents("10"), RATE), (cents("77.7777"), STEP)],
    ids=["minutes", "amount", "amount in steps"],
)
def test_calls_at_once_are_not_granted_more_than_there_is(ledger: Ledger, allowance: Allowance, rate: Rate) -> None:
    # When thirty-two calls ask at the same moment,
    given = at_once([lambda leg=f"leg{n}": ledger.seconds(leg, allowance, rate=rate) for n in range(THREADS)])  # type: ignore[misc]
    granted = [int(str(seconds)) for seconds in given if seconds]
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


def test_one_leg_taken_by_all_at_once_has_one_lease(ledger: Ledger) -> None:
    given = at_once([lambda: ledger.take("a", minutes(300))] * THREADS)
    leases = {granted.lease_id for granted in given if isinstance(granted, Granted)}
    assert len(leases) == ledger.count() == 1
    assert sum(isinstance(granted, Granted) and not granted.again for granted in given) == 1
    assert ledger.usage().reserved_seconds == 600
    ledger.check()


def test_one_leg_settled_by_all_at_once_is_charged_once(ledger: Ledger) -> None:
    ledger.take("a", minutes(300))
    settled = at_once([lambda: ledger.settle("a", 90), lambda: ledger.release("a")] * (THREADS // 2))
    # Given up first or not, what its record says is charged, once.
    assert ledger.usage().used_seconds == 90
    assert settled.count(ledger.settle("a", 1)) >= THREADS // 2
    ledger.check()


def test_calls_that_come_renew_and_go_at_once_stay_within_the_limit(ledger: Ledger) -> None:
    # Given calls around midnight of the 1st, each of which asks, talks as long as it may, and ends,
    allowance = minutes(12)

    def call(seed: int) -> int:
        chance = random.Random(seed)
        talked = 0
        for number in range(4):
            leg = f"{seed}-{number}"
            begin = MIDNIGHT + timedelta(seconds=chance.randint(-300, 200))
            may = ledger.seconds(leg, allowance, begin, slice=chance.choice((60, 300)))
            if not may:
                continue
            for _ in range(chance.randint(0, 3)):
                renewed = ledger.renew(leg, begin, allowance, begin + timedelta(seconds=may // 2))
                assert renewed is not None
                assert renewed.seconds is not None
                may = renewed.seconds
            seconds = chance.choice((0, chance.randint(1, may), may))
            ledger.settle(leg, seconds, begin)
            talked += seconds
        return talked

    talked = at_once([lambda seed=seed: call(seed) for seed in range(THREADS)])  # type: ignore[misc]
    # then no month has more than its limit, nothing is reserved any more, and each second is in a month.
    march, april = ledger.usage(MARCH), ledger.usage(APRIL)
    assert march.used_seconds <= 720
    assert april.used_seconds <= 720
    assert march.used_seconds + april.used_seconds == sum(int(str(seconds)) for seconds in talked) > 720
    assert (march.reserved_seconds, april.reserved_seconds) == (0, 0)
    ledger.check()


def churn(url: str, organisation_id: int, seed: int, ready: Event) -> None:
    """Take, renew and settle until somebody kills us. Runs in a process of its own."""
    ledger = Ledger(Database(url), organisation_id)
    chance = random.Random(seed)
    number = 0
    while True:
        leg = f"{seed}-{number}"
        number += 1
        extension = chance.choice(("100", "101"))
        if ledger.seconds(leg, cents("5000"), extension=extension, rate=STEP):
            if chance.random() < 0.5:
                ledger.renew(leg, NOON, cents("5000"), NOON + timedelta(seconds=300))
            if chance.random() < 0.8:
                ledger.settle(leg, chance.randint(0, 900))
        if number == 5:
            ready.set()


def test_processes_that_are_killed_in_the_middle_leave_books_that_add_up(ledger: Ledger) -> None:
    url = ledger.database.url.render_as_string(hide_password=False)
    spawn = multiprocessing.get_context("spawn")
    chance = random.Random(4)
    # When processes that take and settle are killed at any moment,
    running = []
    for seed in range(4):
        ready = spawn.Event()
        process = spawn.Process(target=churn, args=(url, ledger.organisation_id, seed, ready), daemon=True)
        process.start()
        running.append((process, ready))
    for process, ready in running:
        assert ready.wait(60)
        time.sleep(chance.random() * 0.1)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        # then it adds up after each of them, while the others go on,
        ledger.check()
    # and what they left open can be given back, to the last second.
    with ledger.database.reading() as session:
        left_open = [lease.leg for lease in open_on(session, "fs1")]
    assert left_open
    for leg in left_open:
        ledger.release(leg)
    for extension in ("100", "101"):
        usage = ledger.usage(extension=extension)
        assert (usage.reserved_seconds, usage.reserved_amount) == (0, 0)
    ledger.check()
