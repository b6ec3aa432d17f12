"""Processes that are killed in the middle of a step leave all of it or nothing, and what is open can be settled."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from datetime import timedelta
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from bizpbx.directory.database import Database
from bizpbx.metering.renewal import open_on
from tests.metering.ledger import IN_STEPS, NOON, Ledger, cents

ROOT = Path(__file__).parents[2]


@pytest.mark.thorough
def test_a_step_that_is_killed_at_any_point_is_done_or_not_done(ledger: Ledger) -> None:
    url = ledger.database.url.render_as_string(hide_password=False)
    done = subprocess.run(
        [sys.executable, "-m", "tests.metering.dying", url, str(ledger.organisation_id)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    points = json.loads(done.stdout)
    # Before each statement, before the commit, and after it.
    assert set(points) == {"take", "renew", "settle", "correct"}
    assert min(points.values()) >= 6
    assert sum(points.values()) >= 30
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
        if ledger.seconds(leg, cents("5000"), extension=extension, rate=IN_STEPS):
            if chance.random() < 0.5:
                ledger.renew(leg, NOON, cents("5000"), NOON + timedelta(seconds=300))
            if chance.random() < 0.8:
                ledger.settle(leg, chance.randint(0, 900))
        if number == 5:
            ready.set()


@pytest.mark.thorough
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
