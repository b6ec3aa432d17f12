"""The ledger runs on both databases, as the settings do."""

from __future__ import annotations

import pytest

from bizpbx.directory.database import Database
from tests.metering.ledger import Ledger
from tests.postgres import postgres_server
from tests.settings.conftest import (
    database,
    migrated_file,
    migrated_template,
    postgres_database,
    sqlite_database,
)

__all__ = [
    "database",
    "migrated_file",
    "migrated_template",
    "postgres_database",
    "postgres_server",
    "sqlite_database",
]


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database)
