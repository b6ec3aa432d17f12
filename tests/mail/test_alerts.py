"""Who is told of what: in the transaction of what happened, and once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bizpbx.directory import documents, passcodes
from bizpbx.directory.database import Database
from bizpbx.directory.organisation import Organisation
from bizpbx.errors import InvalidSettings
from bizpbx.mail.outbox import Mail
from tests.settings.samples import NOON, applied, example


def with_alerts(*addresses: str) -> dict[str, Any]:
    data = example()
    data["organisation"]["alerts"] = list(addresses)
    return data


def told(database: Database) -> list[tuple[str, str]]:
    with database.reading() as session:
        return [(mail.key, mail.recipient) for mail in session.scalars(select(Mail).order_by(Mail.id))]


def test_the_addresses_are_a_setting(database: Database) -> None:
    applied(database, with_alerts("Ops@acme.example", "ann@acme.example", "ops@acme.example"))
    with database.reading() as session:
        stored = documents.organisation(session, session.scalars(select(Organisation.id)).one())
    assert stored["alerts"] == ["ann@acme.example", "ops@acme.example"]
    assert applied(database, example()).changes == ()
    with pytest.raises(InvalidSettings, match="must be an email address"):
        applied(database, with_alerts("nobody"))
    applied(database, {"organisation": {"domain": "acme.example", "alerts": []}})
    with database.reading() as session:
        assert session.scalars(select(Organisation.alerts)).one() == []


def test_each_lock_of_a_passcode_is_told_once(database: Database) -> None:
    applied(database, with_alerts("ann@acme.example", "ops@acme.example"))

    def wrong(times: int, at: Any) -> None:
        for _ in range(times):
            with database.writing() as session:
                passcodes.count(session, "acme.example", "100", False, at)

    wrong(4, NOON)
    assert told(database) == []
    wrong(3, NOON)
    first = "passcode-locked/100/2026-03-01T12:15:00+00:00"
    assert told(database) == [(first, "ann@acme.example"), (first, "ops@acme.example")]
    wrong(5, NOON + timedelta(minutes=16))
    assert len(told(database)) == 4


def test_a_lock_that_is_not_kept_is_not_told(database: Database) -> None:
    applied(database, with_alerts("ann@acme.example"))
    with database.writing(keep=False) as session:
        for _ in range(5):
            passcodes.count(session, "acme.example", "100", False, NOON)
    assert told(database) == []


def test_without_addresses_nobody_is_told_and_the_lock_holds(database: Database) -> None:
    applied(database, example())
    with database.writing() as session:
        for _ in range(5):
            _, after = passcodes.count(session, "acme.example", "100", False, NOON)
    assert after.locked(NOON)
    assert told(database) == []
