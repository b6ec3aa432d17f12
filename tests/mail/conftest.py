"""Mails are tested on both databases, against a real mail server on a free port."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.mail.server import MailServer


@pytest.fixture
def server() -> Iterator[MailServer]:
    made = MailServer()
    made.start()
    yield made
    made.stop()
