"""Questions to the database from the event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import gevent
from gevent.threadpool import ThreadPool
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
    """Runs `question(session)` without holding up other calls.

    psycopg yields to the loop by itself. SQLite would block it, and is asked in one native thread: questions take well
    under a millisecond, and one thread needs no locks of its own.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._thread = ThreadPool(1) if database.is_sqlite else None

    def ask(self, question: Callable[[Session], T]) -> T:
        """The answer to `question`, or what it raised. Raises DatabaseSilent after LONGEST seconds."""
        # gevent's own Timeout is no Exception, so SQLAlchemy throws the connection away that was waited for.
        timeout = gevent.Timeout.start_new(LONGEST)
        try:
            if self._thread is None:
                return self._run(question)
            answer: T = self._thread.apply(self._run, (question,))
            return answer
        except gevent.Timeout as expired:
            if expired is not timeout:
                raise
            raise DatabaseSilent from None
        finally:
            timeout.close()

    def _run(self, question: Callable[[Session], T]) -> T:
        with self._database.reading() as session:
            return question(session)

    def close(self) -> None:
        if self._thread is not None:
            self._thread.kill()
        self._database.close()
