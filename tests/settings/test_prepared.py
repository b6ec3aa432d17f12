"""Statements that go to the driver itself: types, lists and errors are what they are through SQLAlchemy."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from gevent import Timeout
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Integer,
    MetaData,
    Table,
    bindparam,
    column,
    event,
    insert,
    select,
    text,
)
from sqlalchemy import tuple_ as pairs
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError

from bizpbx.directory.base import MinorUnits, UtcDateTime, choice
from bizpbx.directory.database import Database
from bizpbx.directory.many_rows import ManyRows
from bizpbx.directory.prepared import Prepared, driver_errors, tell
from bizpbx.metering.lease import LeaseState
from tests.both_databases import database

__all__ = ["database"]

NOON = datetime(2026, 3, 10, 4, 0, 0, 123456, tzinfo=UTC)
TABLE = Table(
    "sample",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("amount", MinorUnits),
    Column("state", choice(LeaseState)),
    Column("known", Boolean),
)
NAMES = ("id", "at", "amount", "state", "known")
ROWS = [
    {"id": 1, "at": NOON, "amount": Decimal("12.3456"), "state": LeaseState.OPEN, "known": True},
    {"id": 2, "at": NOON, "amount": None, "state": LeaseState.SETTLED, "known": False},
    {"id": 3, "at": NOON, "amount": Decimal(0), "state": None, "known": None},
]
ADD = Prepared(insert(TABLE))
OF = Prepared(select(TABLE).where(TABLE.c.id.in_(bindparam("ids", expanding=True))).order_by(TABLE.c.id))
OPEN = Prepared(select(TABLE.c.id).where(TABLE.c.state == LeaseState.OPEN, TABLE.c.id < bindparam("below")))
PAIRS = Prepared(select(TABLE.c.id).where(pairs(TABLE.c.id, TABLE.c.known).in_(bindparam("some", expanding=True))))
CLOSE = Prepared(TABLE.update().where(TABLE.c.id == bindparam("which")).values(state=bindparam("state")))


@pytest.fixture
def stored(database: Database) -> Database:
    with database.writing() as session:
        TABLE.create(session.connection())
        ADD.run_each(session, ROWS)
    return database


def test_every_type_comes_back_as_it_went(stored: Database) -> None:
    with stored.reading() as session:
        found = OF.all(session, {"ids": [1, 2, 3]})
        assert [row._asdict() for row in found] == ROWS
        assert [row._mapping for row in session.connection().execute(select(TABLE).order_by(TABLE.c.id))] == ROWS


@pytest.mark.parametrize("ids", [[], [2], [3, 1], [1, 2, 3, 4]])
def test_a_list_may_be_of_any_length(stored: Database, ids: list[int]) -> None:
    with stored.reading() as session:
        assert [row.id for row in OF.all(session, {"ids": ids})] == sorted(set(ids) & {1, 2, 3})
        assert [row.id for row in OF.all(session, {"ids": ids})] == sorted(set(ids) & {1, 2, 3})


def test_what_the_statement_names_itself_is_told_too(stored: Database) -> None:
    with stored.reading() as session:
        assert [row.id for row in OPEN.all(session, {"below": 9})] == [1]
        assert OPEN.first(session, {"below": 1}) is None
        assert [row.id for row in PAIRS.all(session, {"some": [(1, True), (2, True)]})] == [1]


def test_it_is_part_of_the_transaction(stored: Database) -> None:
    with stored.writing(keep=False) as session:
        assert CLOSE.run(session, {"which": 1, "state": LeaseState.RELEASED}) == 1
        assert CLOSE.run(session, {"which": 99, "state": LeaseState.RELEASED}) == 0
        assert OPEN.all(session, {"below": 9}) == []
    with stored.reading() as session:
        assert len(OPEN.all(session, {"below": 9})) == 1


def test_errors_are_those_of_sqlalchemy(stored: Database) -> None:
    with pytest.raises(IntegrityError), stored.writing() as session:
        ADD.run_each(session, ROWS[:1])
    kind = OperationalError if stored.is_sqlite else ProgrammingError
    with pytest.raises(kind, match="nowhere"), stored.reading() as session:
        tell(session.connection(), "SELECT 1 FROM nowhere")


def test_so_are_those_of_a_row_that_comes_later_and_of_a_connection_that_is_gone(stored: Database) -> None:
    smallest = text("SELECT abs(v) AS v FROM (SELECT 1 AS v UNION ALL SELECT -9223372036854775807 - 1) AS two")
    with pytest.raises(DBAPIError, match=r"overflow|out of range"), stored.reading() as session:
        Prepared(smallest.columns(column("v", Integer))).all(session)
    with pytest.raises(DBAPIError, match="closed"), stored.reading() as session:
        driver: Any = session.connection().connection.dbapi_connection
        driver.close()
        OPEN.all(session, {"below": 9})
    with stored.reading() as session:
        assert len(OPEN.all(session, {"below": 9})) == 1


def test_a_writer_that_waits_in_vain_is_told_so_as_before(stored: Database) -> None:
    if not stored.is_sqlite:
        pytest.skip("PostgreSQL has more than one writer")
    second = Database(stored.url.render_as_string(hide_password=False), busy_timeout=0.0)
    with stored.writing() as session:
        OPEN.all(session, {"below": 9})
        with pytest.raises(OperationalError, match="locked"), second.writing() as waiting:
            waiting.connection()
    second.close()


def test_a_connection_that_was_left_in_the_middle_of_an_answer_is_not_used_again(stored: Database) -> None:
    with stored.reading() as session:
        connection, interrupted = session.connection(), Timeout()
        assert driver_errors(connection, interrupted, "SELECT 1") is interrupted
        assert connection.invalidated
    with stored.reading() as session:
        assert len(OPEN.all(session, {"below": 9})) == 1


def test_who_listens_for_statements_hears_of_it(stored: Database) -> None:
    heard: list[str] = []

    def note(_connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        heard.append(statement)

    event.listen(stored.engine, "before_cursor_execute", note)
    with stored.reading() as session:
        OPEN.first(session, {"below": 9})
    event.remove(stored.engine, "before_cursor_execute", note)
    assert sum(statement.startswith("SELECT sample.id") for statement in heard) == 1


def test_many_rows_are_put_with_their_types_and_what_is_there_already_stays(stored: Database) -> None:
    rows = ManyRows(TABLE, NAMES, lambda made: made.on_conflict_do_nothing(index_elements=["id"]))
    more = [{**ROWS[0], "id": number} for number in range(3, 300)]
    with stored.writing() as session:
        rows.put(session, more)
        rows.put(session, [])
    with stored.reading() as session:
        assert [row._asdict() for row in OF.all(session, {"ids": [3, 4, 299]})] == [ROWS[2], more[1], more[-1]]
