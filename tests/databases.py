"""A fresh database for each test that asks for one, SQLite always and PostgreSQL where it is installed.

A pytest plug-in, so that one cluster serves all folders.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bizpbx.directory import migrations
from bizpbx.directory.database import Database
from tests.postgres import Server


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file at the newest version, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "bizpbx.db"
    database = Database(f"sqlite:///{path}")
    migrations.upgrade(database.engine)
    database.close()
    return path


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


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> Database:
    """One test, both databases."""
    found: Database = request.getfixturevalue(f"{request.param}_database")
    return found
