"""Questions to the database from the event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from gevent.threadpool import ThreadPool
from sqlalchemy.orm import Session

from bizpbx.directory.database import Database

T = TypeVar("T")


class Queries:
    """Runs `question(session)` without holding up other calls.

    psycopg yields to the loop by itself. SQLite would block it, and is asked in one native thread: questions take well
    under a millisecond, and one thread needs no locks of its own.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._thread = ThreadPool(1) if database.is_sqlite else None

    def ask(self, question: Callable[[Session], T]) -> T:
        """The answer to `question`, or what it raised."""
        if self._thread is None:
            return self._run(question)
        answer: T = self._thread.apply(self._run, (question,))
        return answer

    def _run(self, question: Callable[[Session], T]) -> T:
        with self._database.reading() as session:
            return question(session)

    def close(self) -> None:
        if self._thread is not None:
            self._thread.kill()
        self._database.close()
