"""How many calls a second the ledger grants and settles, for one extension and for a hundred that call at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy.orm import Session

from bizpbx.controller.changes import Changes
from bizpbx.directory import migrations
from bizpbx.directory.database import Database
from bizpbx.directory.organisation import Organisation
from bizpbx.metering.allowance import Allowance
from bizpbx.metering.balance import differences
from bizpbx.metering.pricing import Rate
from bizpbx.metering.settling import Talk, settle
from bizpbx.metering.taking import take
from bizpbx.metering.terms import Draw, Granted, Terms
from tests.bench import machine
from tests.bench.table import Row, show
from tests.postgres import cluster, programs

ZONE = "Asia/Singapore"
NOON = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
TERMS = Terms(ZONE, Rate("65", Decimal(2), Decimal(1), 60, 6), Allowance(amount=Decimal(10**9)))
SECONDS = 5.0
"""For each row of the table."""
AT_ONCE = 8
"""Threads on PostgreSQL, each with a connection, as several controllers would have. A controller on SQLite asks in
place, one question after the other."""


def calls(url: str, organisation_id: int, extensions: int, who: int, until: float) -> tuple[list[float], list[float]]:
    """Calls, one after the other until it is over, each taken and settled: seconds that each of the two took."""
    changes = Changes(url)
    takes, settles = [], []
    for number in count():
        if time.perf_counter() > until:
            break
        leg, extension = f"{extensions}-{who}-{number}", str(100 + (who + number) % extensions)
        draw = Draw(organisation_id, "fs1", leg, f"call-{leg}", extension, "+6561234567", "SG", "carrier.bench.example")

        def granted(session: Session, draw: Draw = draw) -> None:
            assert isinstance(take(session, draw, TERMS, NOON), Granted)

        def settled(session: Session, leg: str = leg) -> None:
            assert settle(session, Talk("fs1", leg, NOON, 90), NOON + timedelta(seconds=90)) is not None

        takes.append(timed(changes, granted))
        settles.append(timed(changes, settled))
    changes.close()
    return takes, settles


def timed(changes: Changes, change: Callable[[Session], None]) -> float:
    began = time.perf_counter()
    changes.make(change)
    return time.perf_counter() - began


def measure(url: str, extensions: int, threads: int) -> Row:
    database = Database(url)
    with database.writing() as session:
        owner = Organisation(
            domain=f"o{extensions}.{threads}.example", name="Bench", timezone=ZONE, country="SG", currency="SGD"
        )
        session.add(owner)
        session.flush()
        organisation_id = owner.id
    began, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(threads) as pool:
        until = began + SECONDS
        done = list(
            pool.map(lambda who: calls(url, organisation_id, extensions, threads * 1000 + who, until), range(threads))
        )
    taken, used = time.perf_counter() - began, time.process_time() - cpu
    with database.reading() as session:
        assert differences(session, organisation_id) == []
    database.close()
    takes = sorted(seconds for one, _ in done for seconds in one)
    settles = sorted(seconds for _, one in done for seconds in one)
    return {
        "database": "SQLite" if database.is_sqlite else "PostgreSQL",
        "extensions": extensions,
        "at once": threads,
        "calls/s": round(len(takes) / taken),
        "take p50 ms": f"{takes[len(takes) // 2] * 1000:.1f}",
        "p99": f"{takes[len(takes) * 99 // 100] * 1000:.1f}",
        "settle p50 ms": f"{settles[len(settles) // 2] * 1000:.1f}",
        "CPU ms a call": f"{used / len(takes) * 1000:.2f}",
    }


def run() -> list[Row]:
    print(f"  {machine.described()}")
    rows = []
    with TemporaryDirectory(prefix="bizpbx-bench-") as folder:
        url = f"sqlite:///{Path(folder, 'bizpbx.db')}"
        prepared(url)
        rows += [measure(url, extensions, 1) for extensions in (1, 100)]
    found = programs()
    if found is not None:
        with cluster(found, fsync=True) as server:
            url = server.new_database()
            prepared(url)
            rows += [measure(url, extensions, threads) for threads in (1, AT_ONCE) for extensions in (1, 100)]
    return rows


def prepared(url: str) -> None:
    database = Database(url)
    migrations.upgrade(database.engine)
    database.close()


if __name__ == "__main__":
    show("Taking and settling what calls may talk", run())
