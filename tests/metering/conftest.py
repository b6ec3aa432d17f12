"""The ledger runs on both databases, as the settings do."""

from __future__ import annotations

import pytest

from bizpbx.directory.database import Database
from tests.both_databases import database
from tests.metering.ledger import Ledger

__all__ = ["database", "ledger"]


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database)
