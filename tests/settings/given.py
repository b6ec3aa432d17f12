"""Settings that a test starts from and does not ask about: applied once a worker, and put into each database as they
were left then."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any

import yaml
from sqlalchemy import text

from bizpbx.directory.database import Database
from bizpbx.directory.tables import Base
from tests.settings.samples import applied

FILLED = "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL"


@dataclass(frozen=True)
class Rows:
    """What a PostgreSQL holds: the lines of each table that has any, and how far each sequence is."""

    tables: dict[str, bytes]
    sequences: dict[str, int]


_sqlite: dict[str, sqlite3.Connection] = {}
_postgres: dict[str, Rows] = {}


def given(database: Database, *files: dict[str, Any]) -> Database:
    """An empty database becomes one to which these files were applied, in this order, as by `applied`."""
    key = yaml.safe_dump(files)
    put, kept = (_put_sqlite, _sqlite) if database.is_sqlite else (_put_postgres, _postgres)
    if key in kept:
        put(database, key)
    else:
        for file in files:
            applied(database, file)
        (_keep_sqlite if database.is_sqlite else _keep_postgres)(database, key)
    return database


def _keep_sqlite(database: Database, key: str) -> None:
    _sqlite[key] = sqlite3.connect(":memory:", check_same_thread=False)
    with database.engine.connect() as connection:
        _driver(connection).backup(_sqlite[key])


def _put_sqlite(database: Database, key: str) -> None:
    with database.engine.connect() as connection:
        _sqlite[key].backup(_driver(connection))


def _keep_postgres(database: Database, key: str) -> None:
    tables = {}
    with database.engine.connect() as connection, _driver(connection).cursor() as cursor:
        for table in Base.metadata.sorted_tables:
            with cursor.copy(f'COPY "{table.name}" TO STDOUT') as copy:
                tables[table.name] = b"".join(copy)
        sequences = {row.sequencename: row.last_value for row in connection.execute(text(FILLED))}
    _postgres[key] = Rows({name: lines for name, lines in tables.items() if lines}, sequences)


def _put_postgres(database: Database, key: str) -> None:
    rows = _postgres[key]
    with database.engine.begin() as connection, _driver(connection).cursor() as cursor:
        # Rows may name others of their table.
        cursor.execute("SET LOCAL session_replication_role = replica")
        for name, lines in rows.tables.items():
            with cursor.copy(f'COPY "{name}" FROM STDIN') as copy:
                copy.write(lines)
        for name, value in rows.sequences.items():
            cursor.execute("SELECT setval(%s, %s)", (f'"{name}"', value))


def _driver(connection: Any) -> Any:
    return connection.connection.driver_connection
