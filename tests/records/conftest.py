from __future__ import annotations

import pytest

from bizpbx.directory.database import Database
from tests.both_databases import database
from tests.controller.conftest import fill

__all__ = ["database", "settings"]


@pytest.fixture
def settings(database: Database) -> Database:
    """The worked example and a neighbour, on each database."""
    return fill(database)
