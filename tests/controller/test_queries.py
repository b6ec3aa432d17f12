"""Questions to the database, from a loop that must not stand still meanwhile."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from bizpbx.controller.queries import Queries
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


def test_a_question_to_sqlite_waits_for_no_writer(sqlite_database: Database) -> None:
    # Given a writer in the middle of a transaction,
    asked = Queries(sqlite_database)
    with sqlite_database.writing(keep=False) as session:
        session.execute(text("CREATE TABLE half_done (id INTEGER)"))
        # a question asked meanwhile, which the loop waits for, is answered at once, and without what is not committed.
        began = time.monotonic()
        tables = asked.ask(
            lambda reading: reading.execute(
                text("SELECT count(*) FROM sqlite_master WHERE name = 'half_done'")
            ).scalar_one()
        )
        assert tables == 0
        assert time.monotonic() - began < 4
    asked.close()


SILENT = """
from gevent import monkey; monkey.patch_all()
import sys, time, gevent
from sqlalchemy import text
from bizpbx.controller import queries
from bizpbx.directory.database import Database

asked = queries.Queries(Database(sys.argv[1]))
one = lambda session: session.execute(text("SELECT 1")).scalar_one()
assert asked.ask(one) == 1
ticks = []
gevent.spawn(lambda: [ticks.append(gevent.sleep(0.01)) for _ in range(1000)])
queries.LONGEST, usual = 0.3, queries.LONGEST
try:
    asked.ask(lambda session: session.execute(text("SELECT pg_sleep(20)")))
except queries.DatabaseSilent:
    queries.LONGEST = usual
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
    assert time.monotonic() - began < 30
