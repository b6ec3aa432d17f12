"""Changes to the database while others change it, and while PostgreSQL is restarted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bizpbx.controller.changes import Changes
from tests.metering.crowd import at_once
from tests.postgres import Server

pytestmark = pytest.mark.postgres


@pytest.fixture
def changes(postgres_server: Server) -> Iterator[Callable[[], Changes]]:
    """As many controllers as are asked for, on one database with a table of two accounts."""
    url, made = postgres_server.new_database(), []

    def another() -> Changes:
        made.append(Changes(url))
        return made[-1]

    def begin(session: Session) -> None:
        session.execute(text("CREATE TABLE account (name TEXT PRIMARY KEY, balance INTEGER NOT NULL)"))
        session.execute(text("INSERT INTO account VALUES ('a', 0), ('b', 0)"))

    another().make(begin)
    yield another
    for one in made:
        one.close()


def more(session: Session, name: str) -> None:
    session.execute(text("UPDATE account SET balance = balance + 1 WHERE name = :name"), {"name": name})


def balances(changes: Changes) -> list[int]:
    return changes.make(lambda session: list(session.scalars(text("SELECT balance FROM account ORDER BY name"))))


def test_who_has_to_give_way_to_another_one_goes_again(changes: Callable[[], Changes]) -> None:
    # Given two that change the same two rows, each beginning with the other's second,
    both = [changes(), changes()]
    met = threading.Barrier(2)
    tries = [0, 0]

    def change(number: int) -> None:
        first, second = ("a", "b") if number == 0 else ("b", "a")

        def both_rows(session: Session) -> None:
            tries[number] += 1
            more(session, first)
            if tries[number] == 1:
                met.wait(10)
            more(session, second)

        both[number].make(both_rows)

    # then one is told by PostgreSQL to give way, and both are done once in the end.
    at_once(2, change)
    assert sorted(tries) == [1, 2]
    assert balances(both[0]) == [2, 2]


def test_a_restart_in_the_middle_of_a_change_is_not_seen(
    changes: Callable[[], Changes], postgres_server: Server
) -> None:
    one, tries = changes(), 0

    def change(session: Session) -> None:
        nonlocal tries
        tries += 1
        more(session, "a")
        if tries == 1:
            postgres_server.restart()
        more(session, "b")

    one.make(change)
    assert (tries, balances(one)) == (2, [1, 1])


def test_what_is_wrong_for_good_is_told_at_once(changes: Callable[[], Changes]) -> None:
    one, tries = changes(), 0

    def change(session: Session) -> None:
        nonlocal tries
        tries += 1
        session.execute(text("INSERT INTO account VALUES ('a', 0)"))

    with pytest.raises(IntegrityError):
        one.make(change)
    assert tries == 1
