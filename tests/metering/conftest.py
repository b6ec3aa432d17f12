"""The ledger runs on both databases, as the settings do."""

from __future__ import annotations

import pytest

from bizpbx.directory.database import Database
from tests.metering.ledger import Ledger


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database)
