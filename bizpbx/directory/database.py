"""Engine and sessions for SQLite (one machine) and PostgreSQL (more than one controller)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.orm import Session

from bizpbx.directory.prepared import tell
from bizpbx.errors import ConfigurationError

BUSY_TIMEOUT = 10.0
"""Seconds that a writer waits for another one on SQLite."""

WRITING = "bizpbx_writing"


class Database:
    """Sessions on one database. `reading` never blocks a writer; `writing` is one transaction, all or nothing."""

    def __init__(self, url: str, busy_timeout: float = BUSY_TIMEOUT) -> None:
        """`url` is an SQLAlchemy URL. Raises ConfigurationError for a database that bizpbx does not run on."""
        self.url = parse(url)
        self.engine = sqlite(self.url, busy_timeout) if self.is_sqlite else create_engine(self.url, pool_pre_ping=True)
        self.writer = self.engine.execution_options(**{WRITING: True})

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for queries; nothing that is done in it is kept."""
        with Session(self.engine, autoflush=False) as session:
            yield session

    @contextmanager
    def writing(self, *, keep: bool = True) -> Iterator[Session]:
        """A session that commits at the end and rolls back on any exception. SQLite has one writer at a time.

        Without `keep` it rolls back in any case: what a change would do can be seen without doing it.
        """
        with Session(self.writer, expire_on_commit=False, autoflush=False) as session:
            yield session
            if keep:
                session.commit()

    def close(self) -> None:
        self.engine.dispose()


def parse(url: str) -> URL:
    """The URL with the driver bizpbx uses filled in."""
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise ConfigurationError(
            "BIZPBX_DATABASE_URL is not a database URL; write it like postgresql://user:password@host/bizpbx."
        ) from None
    if backend == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise ConfigurationError(
                "BIZPBX_DATABASE_URL names no SQLite file; write it like sqlite:////path/bizpbx.db."
            )
        return parsed.set(drivername="sqlite")
    if backend in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    raise ConfigurationError(f"BIZPBX_DATABASE_URL names {backend}; bizpbx runs on SQLite and PostgreSQL.")


def sqlite(url: URL, busy_timeout: float = BUSY_TIMEOUT) -> Engine:
    """An engine whose transactions are SQLite's own: the driver would begin them late and without saying what for."""
    engine = create_engine(url, connect_args={"timeout": busy_timeout})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A reader that turns writer halfway cannot wait for its turn: a writer says so at the start.
        tell(connection, "BEGIN IMMEDIATE" if connection.get_execution_options().get(WRITING) else "BEGIN").close()

    return engine


def sqlite_file(url: URL) -> Path | None:
    """The file behind an SQLite URL."""
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None
