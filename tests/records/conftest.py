from __future__ import annotations

import pytest

from bizpbx.directory.database import Database
from tests.controller.conftest import fill
from tests.settings.conftest import (
    database,
    migrated_file,
    migrated_template,
    postgres_database,
    postgres_server,
    sqlite_database,
)


@pytest.fixture
def settings(database: Database) -> Database:
    """The worked example and a neighbour, on each database."""
    return fill(database)


__all__ = [
    "database",
    "migrated_file",
    "migrated_template",
    "postgres_database",
    "postgres_server",
    "sqlite_database",
]
