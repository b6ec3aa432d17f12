"""Questions to the database, from a loop that must not stand still meanwhile."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import gevent
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from bizpbx.controller import queries
from bizpbx.controller.queries import DatabaseSilent, Queries
from bizpbx.directory.database import Database
from tests.postgres import Server


@pytest.fixture
def asked(database: Database) -> Iterator[Queries]:
    made = Queries(database)
    yield made
    made.close()


def test_a_question_is_answered(asked: Queries) -> None:
    assert asked.ask(lambda session: session.execute(text("SELECT 40 + 2")).scalar_one()) == 42


def test_what_a_question_raises_reaches_the_one_who_asked(asked: Queries) -> None:
    def fails(_session: Session) -> None:
        raise LookupError("nothing there")

    with pytest.raises(LookupError, match="nothing there"):
        asked.ask(fails)
    assert asked.ask(lambda session: session.execute(text("SELECT 1")).scalar_one()) == 1


def test_sqlite_is_asked_in_one_thread_of_its_own(sqlite_database: Database) -> None:
    asked = Queries(sqlite_database)
    threads = {asked.ask(lambda _session: threading.get_ident()) for _ in range(5)}
    assert len(threads) == 1 and threads != {threading.get_ident()}
    asked.close()


def test_the_loop_goes_on_while_sqlite_is_busy(sqlite_database: Database) -> None:
    asked = Queries(sqlite_database)
    slow = gevent.spawn(asked.ask, lambda _session: time.sleep(0.3))
    ticks = 0
    while not slow.ready():
        gevent.sleep(0.01)
        ticks += 1
    assert ticks > 5
    asked.close()


def test_a_database_that_does_not_answer_is_given_up(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "LONGEST", 0.1)
    asked = Queries(sqlite_database)
    with pytest.raises(DatabaseSilent, match="did not answer"):
        asked.ask(lambda _session: time.sleep(0.4))
    gevent.sleep(0.4)
    assert asked.ask(lambda session: session.execute(text("SELECT 1")).scalar_one()) == 1
    asked.close()


SILENT = """
from gevent import monkey; monkey.patch_all()
import sys, time, gevent
from sqlalchemy import text
from bizpbx.controller import queries
from bizpbx.directory.database import Database

queries.LONGEST = 0.3
asked = queries.Queries(Database(sys.argv[1]))
one = lambda session: session.execute(text("SELECT 1")).scalar_one()
assert asked.ask(one) == 1
ticks = []
gevent.spawn(lambda: [ticks.append(gevent.sleep(0.01)) for _ in range(1000)])
try:
    asked.ask(lambda session: session.execute(text("SELECT pg_sleep(20)")))
except queries.DatabaseSilent:
    print("silent", len(ticks) > 5, asked.ask(one))
"""


@pytest.mark.postgres
def test_a_postgresql_that_does_not_answer_is_given_up_and_its_connection_thrown_away(postgres_server: Server) -> None:
    # Patched as the daemon is, hence a process of its own: psycopg yields to the loop only there.
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", SILENT, postgres_server.new_database()], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == ["silent", "True", "1"], done.stderr
    assert time.monotonic() - began < 15
