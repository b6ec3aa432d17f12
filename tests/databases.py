"""A fresh database for each test that asks for one, SQLite always and PostgreSQL where it is installed.

A pytest plug-in, so that one cluster serves all folders.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Dialect, Engine, create_engine
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

from bizpbx.directory import database as databases
from bizpbx.directory import migrations
from bizpbx.directory.database import Database
from tests.postgres import Server


@pytest.fixture(scope="session", autouse=True)
def statements() -> Iterator[None]:
    """Statements that one database has been asked are ready for the next one, too: SQLAlchemy keeps them by engine and
    dialect, and where each test has an engine of its own, to compile them is half of its work."""
    ready: LRUCache[Any, Any] = LRUCache(5000)

    def engine(*arguments: Any, **options: Any) -> Engine:
        made = create_engine(*arguments, **options)
        made._compiled_cache = ready
        return made

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(databases, "create_engine", engine)
        for dialect in (SQLiteDialect_pysqlite, PGDialect_psycopg):
            patched.setattr(dialect, "__eq__", _same_kind, raising=False)
            patched.setattr(dialect, "__hash__", lambda one: hash(type(one)), raising=False)
        yield


def _same_kind(one: Dialect, other: object) -> bool:
    return type(one) is type(other)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file at the newest version, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "bizpbx.db"
    database = Database(f"sqlite:///{path}")
    migrations.upgrade(database.engine)
    database.close()
    return path


def prepared(migrated_file: Path, folder: Path) -> Path:
    """The folder of an installation, whose database is there already."""
    home = folder / "home"
    home.mkdir(mode=0o700, parents=True)
    shutil.copyfile(migrated_file, home / "bizpbx.db")
    (home / "bizpbx.db").chmod(0o600)
    return folder


@pytest.fixture(scope="session")
def migrated_template(postgres_server: Server) -> str:
    """Name of a PostgreSQL database at the newest version, to be copied."""
    database = Database(postgres_server.new_database())
    migrations.upgrade(database.engine)
    database.close()
    return str(database.url.database)


@pytest.fixture
def sqlite_database(migrated_file: Path, tmp_path: Path) -> Iterator[Database]:
    path = tmp_path / "bizpbx.db"
    shutil.copyfile(migrated_file, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


@pytest.fixture(scope="session")
def emptied() -> list[str]:
    """URLs of databases that earlier tests have left, as good as new: emptying costs a tenth of what making does."""
    return []


@pytest.fixture
def postgres_database(postgres_server: Server, migrated_template: str, emptied: list[str]) -> Iterator[Database]:
    url = emptied.pop() if emptied else postgres_server.new_database(migrated_template)
    database = Database(url)
    yield database
    database.close()
    if postgres_server.emptied(url, like=migrated_template):
        emptied.append(url)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.thorough])])
def database(request: pytest.FixtureRequest) -> Database:
    """One test, both databases. Where the two differ in kind, tests.both_databases never leaves one out."""
    found: Database = request.getfixturevalue(f"{request.param}_database")
    return found
