"""Changes to the database from the event loop."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import gevent
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from bizpbx.controller.queries import LONGEST, DatabaseSilent
from bizpbx.directory.database import Database

PAUSE = 0.02
"""Seconds between two tries."""

AGAIN = ("40001", "40P01", "53300", "57P01", "57P02", "57P03")
"""What PostgreSQL says when the same transaction may well succeed in a moment: it gave way to another one, there were
too many connections, or the server goes down or comes up. Its manual, appendix A."""

T = TypeVar("T")


class Changes:
    """Runs `change(session)` in one transaction, in the caller's greenlet.

    SQLite has one writer at a time, and waiting for it inside the driver would hold up every call. So its own patience
    is nothing, and we wait for our turn on the loop. PostgreSQL may tell one of two that wait for each other to give
    way, and may be restarted while calls go on.
    """

    def __init__(self, url: str) -> None:
        self._database = Database(url, busy_timeout=0.0)

    def make(self, change: Callable[[Session], T]) -> T:
        """What `change` returns, once it is committed. It may run several times, of which one is kept; where the
        connection was lost while it was committed, two: done again, it must do no harm. Raises DatabaseSilent after
        LONGEST seconds."""
        timeout = gevent.Timeout.start_new(LONGEST)
        deadline = time.monotonic() + LONGEST
        try:
            while True:
                try:
                    with self._database.writing() as session:
                        return change(session)
                except OperationalError as error:
                    if not self._worth_another_try(error) or time.monotonic() > deadline:
                        raise
                gevent.sleep(PAUSE)
        except gevent.Timeout as expired:
            if expired is not timeout:
                raise
            raise DatabaseSilent from None
        finally:
            timeout.close()

    def _worth_another_try(self, error: OperationalError) -> bool:
        """Whether the same transaction may succeed in a moment."""
        if self._database.is_sqlite:
            return "locked" in str(error)
        # Without a code it was not the server that spoke: there was no connection, or it broke.
        state = getattr(error.orig, "sqlstate", None)
        return state is None or state in AGAIN

    def close(self) -> None:
        self._database.close()
