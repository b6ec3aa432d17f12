"""A deck of 50,000 prefixes: imported, read into memory, asked."""

from __future__ import annotations

import random
import time
import tracemalloc
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bizpbx.directory import documents, rate_csv, rates
from bizpbx.directory.apply import apply
from bizpbx.directory.database import Database
from bizpbx.directory.export import find
from bizpbx.directory.installation import prepare
from bizpbx.directory.parsing import check
from bizpbx.directory.rate_editing import edit
from bizpbx.metering.decks import RateDeck
from tests.bench.decisions import DOMAIN, settings
from tests.bench.table import Row
from tests.postgres import cluster, programs

PREFIXES = 50_000
CALLS = 200_000


def deck_file() -> bytes:
    """As a carrier's: prefixes of 1 to 9 digits, four hundred prices, three kinds of increments."""
    chance = random.Random(1)
    prefixes: set[str] = {str(number) for number in range(1, 10)}
    while len(prefixes) < PREFIXES:
        prefixes.add(str(chance.randint(10, 999_999_999))[: chance.choice((3, 5, 6, 7, 7, 8, 9))])
    lines = ["prefix,per_minute,connection_fee,increments"]
    for prefix in sorted(prefixes):
        fee, increments = chance.choice(("0", "0", "0.01")), chance.choice(("1/1", "60/60", "30/6"))
        lines.append(f"{prefix},0.{chance.randint(1, 400):04},{fee},{increments}")
    return "\n".join(lines).encode()


def measure(kind: str, url: str, folder: Path) -> Row:
    prepare(folder, "", url)
    database = Database(url)
    now = datetime.now(UTC)
    secrets: Any = None
    apply(database, check(settings(100)), actor="bench", at=now, secrets=secrets)
    with database.reading() as session:
        organisation_id = find(session, DOMAIN)
        organisation = documents.organisation(session, organisation_id)
    data = deck_file()
    times = [time.perf_counter()]
    wanted = rate_csv.read(data, organisation)
    times.append(time.perf_counter())
    for _ in range(2):  # the second changes nothing
        edit(database, organisation, lambda before: (wanted, frozenset(before)), actor="bench", at=now, as_one=True)
        times.append(time.perf_counter())
    with database.reading() as session:
        deck = rates.deck(session, organisation_id)
    times.append(time.perf_counter())
    finding, misses = asked(deck, now)
    database.close()
    steps = [after - before for before, after in pairwise(times)]
    return {
        "database": kind,
        "prefixes": len(deck),
        "read CSV s": f"{steps[0]:.2f}",
        "write s": f"{steps[1]:.2f}",
        "write again s": f"{steps[2]:.2f}",
        "into memory s": f"{steps[3]:.3f}",
        "memory MB": f"{memory_of(wanted) / 1e6:.1f}",
        "find µs": f"{finding * 1e6:.2f}",
        "without rate": misses,
    }


def asked(deck: RateDeck, now: datetime) -> tuple[float, int]:
    """Seconds that one look-up takes, and how many numbers have no rate."""
    chance = random.Random(2)
    numbers = [f"+{chance.randint(10**10, 10**12 - 1)}" for _ in range(CALLS)]
    began = time.perf_counter()
    misses = sum(deck.find(number, now) is None for number in numbers)
    return (time.perf_counter() - began) / CALLS, misses


def memory_of(wanted: rates.Rates) -> int:
    """Bytes that a deck of these rates takes, its prefixes included."""
    rows = [(key.prefix.encode(), key.effective, price) for key, price in wanted.items()]
    tracemalloc.start()
    deck = RateDeck((prefix.decode(), effective, price) for prefix, effective, price in rows)  # type: ignore[misc]
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(deck) == len(wanted)
    return taken


def run() -> list[Row]:
    with TemporaryDirectory(prefix="bizpbx-bench-") as folder:
        rows = [measure("SQLite", f"sqlite:///{folder}/bizpbx.db", Path(folder))]
        found = programs()
        if found is not None:
            with cluster(found) as server:
                rows.append(measure("PostgreSQL", server.new_database(), Path(folder)))
        return rows
