"""Questions to the database from the event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import gevent
from sqlalchemy.orm import Session

from bizpbx.directory.database import Database
from bizpbx.errors import BizpbxError

LONGEST = 5.0
"""Seconds that an answer may take. Without one the call goes on with the switch's own means; FreeSWITCH itself would
give us 25 s, which no caller waits for."""

T = TypeVar("T")


class DatabaseSilent(BizpbxError):
    """The database took a question and did not answer it in time."""

    code = "database-silent"

    def __init__(self) -> None:
        super().__init__(f"The database did not answer within {LONGEST:g} s.")


class Queries:
    """Runs `question(session)` in the caller's greenlet.

    psycopg yields to the loop by itself. SQLite does not. It is asked in place: a warm question takes a tenth of a
    millisecond and waits for no writer, while a native thread costs as much again and has to fight the loop for the
    interpreter (docs/decisions.md).
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(self, question: Callable[[Session], T]) -> T:
        """The answer to `question`, or what it raised. Raises DatabaseSilent after LONGEST seconds (PostgreSQL)."""
        # gevent's own Timeout is no Exception, so SQLAlchemy throws the connection away that was waited for.
        timeout = gevent.Timeout.start_new(LONGEST)
        try:
            with self._database.reading() as session:
                return question(session)
        except gevent.Timeout as expired:
            if expired is not timeout:
                raise
            raise DatabaseSilent from None
        finally:
            timeout.close()

    def close(self) -> None:
        self._database.close()
