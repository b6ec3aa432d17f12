"""The fixture `database` of folders and modules that are about what the two databases do in ways of their own: locks,
schemas, what is sent. They run on both in any case."""

from __future__ import annotations

import pytest

from bizpbx.directory.database import Database

__all__ = ["database"]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> Database:
    found: Database = request.getfixturevalue(f"{request.param}_database")
    return found
