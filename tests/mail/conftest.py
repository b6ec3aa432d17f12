"""Mails are tested on both databases, against a real mail server on a free port."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.mail.server import MailServer
from tests.postgres import postgres_server
from tests.settings.conftest import database, migrated_file, migrated_template, postgres_database, sqlite_database

__all__ = [
    "database",
    "migrated_file",
    "migrated_template",
    "postgres_database",
    "postgres_server",
    "sqlite_database",
]


@pytest.fixture
def server() -> Iterator[MailServer]:
    made = MailServer()
    made.start()
    yield made
    made.stop()
