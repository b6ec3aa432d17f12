"""Who is told of what: in the transaction of what happened, and once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bizpbx.directory import documents, passcodes
from bizpbx.directory.database import Database
from bizpbx.directory.organisation import Organisation
from bizpbx.errors import InvalidSettings
from bizpbx.mail import queue
from bizpbx.mail.message import message
from bizpbx.mail.outbox import Mail
from bizpbx.metering.taking import take
from bizpbx.metering.terms import Denied, Draw, Terms
from bizpbx.policy.settings import Guard
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


def test_calls_that_look_like_toll_fraud_are_told_once_and_again_after_a_quiet_day(database: Database) -> None:
    applied(database, with_alerts("ops@acme.example"))

    def refused(leg: str, at: datetime) -> None:
        with database.writing() as session:
            owner = session.scalars(select(Organisation.id)).one()
            draw = Draw(owner, "fs1", leg, f"call-{leg}", "100", "+84937712345", "VN", "carrier")
            answer = take(session, draw, Terms("Asia/Singapore", None, guard=Guard(4, 0), home="SG"), at)
            assert isinstance(answer, Denied)

    for leg in "abc":
        refused(leg, NOON)
    key = "guard-refused/100/VN/too-many-new-countries/2026-03-01"
    assert told(database) == [(key, "ops@acme.example")]
    refused("d", NOON + timedelta(days=2))
    assert len(told(database)) == 2
    with database.writing() as session:
        mail = queue.claim(session, "test", NOON + timedelta(days=2))
    assert mail is not None
    text = message(mail, "pbx@acme.example").get_body(("plain",))
    assert text is not None
    assert "extension 100 of Acme to +84937712345 (VN) was not dialled" in text.get_content()
    assert "guard allow 100 VN" in text.get_content()
