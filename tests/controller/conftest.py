"""Databases with the worked example and a neighbour who uses the same carrier, on SQLite and PostgreSQL."""

from __future__ import annotations

import pytest

from bizpbx.directory.database import Database
from tests.settings.given import given
from tests.settings.samples import example

ACME, BRAVO = "acme.example", "bravo.example"
ACME_DID, BRAVO_DID = "+6564291310", "+6564291399"
ACME_CARRIER, BRAVO_CARRIER = "192.0.2.10", "192.0.2.20"


def fill(database: Database) -> Database:
    neighbour = example(BRAVO, BRAVO_DID)
    neighbour["gateways"][0]["host"] = BRAVO_CARRIER
    return given(database, example(ACME, ACME_DID), neighbour)


@pytest.fixture
def settings(database: Database) -> Database:
    return fill(database)
