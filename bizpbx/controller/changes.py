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
"""Seconds between two tries to be SQLite's one writer."""

T = TypeVar("T")


class Changes:
    """Runs `change(session)` in one transaction, in the caller's greenlet.

    SQLite has one writer at a time, and waiting for it inside the driver would hold up every call. So its own patience
    is nothing, and we wait for our turn on the loop.
    """

    def __init__(self, url: str) -> None:
        self._database = Database(url, busy_timeout=0.0)

    def make(self, change: Callable[[Session], T]) -> T:
        """What `change` returns, once it is committed. It may run several times, of which one is kept. Raises
        DatabaseSilent after LONGEST seconds."""
        timeout = gevent.Timeout.start_new(LONGEST)
        deadline = time.monotonic() + LONGEST
        try:
            while True:
                try:
                    with self._database.writing() as session:
                        return change(session)
                except OperationalError as error:
                    if not self._database.is_sqlite or "locked" not in str(error) or time.monotonic() > deadline:
                        raise
                gevent.sleep(PAUSE)
        except gevent.Timeout as expired:
            if expired is not timeout:
                raise
            raise DatabaseSilent from None
        finally:
            timeout.close()

    def close(self) -> None:
        self._database.close()
