"""What is in a mailbox, on SQLite and PostgreSQL, and what becomes of it by phone."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bizpbx.calls.mailboxes import NO_MAILBOXES, Mailboxes, Message
from bizpbx.controller.changes import Changes
from bizpbx.controller.mailboxes import StoredMailboxes
from bizpbx.controller.queries import Queries
from bizpbx.directory.audit import Audit
from bizpbx.directory.database import Database
from bizpbx.directory.organisation import Organisation
from bizpbx.voicemail.record import Voicemail, VoicemailState
from tests.settings.given import given
from tests.settings.samples import NOON, example

ACME, BRAVO = "acme.example", "bravo.example"


class Copies:
    """Gives what is there."""

    def __init__(self) -> None:
        self.there = {"a.example/voicemail/1.wav"}
        self.given: list[tuple[str, str]] = []
        self.forgotten: list[str] = []

    def recording(self, key: str, sha256: str, patience: float) -> Path | None:
        self.given.append((key, sha256))
        return Path("/sounds/copy.wav") if key in self.there else None

    def forget(self, key: str) -> None:
        self.forgotten.append(key)


@pytest.fixture
def copies() -> Copies:
    return Copies()


@pytest.fixture
def boxes(database: Database, copies: Copies) -> Iterator[Mailboxes]:
    given(database, example(), example(BRAVO, "+6564299999"))
    changes = Changes(database.url.render_as_string(hide_password=False))
    yield StoredMailboxes(Queries(database), changes, copies, NO_MAILBOXES, lambda: NOON)
    changes.close()


def left(database: Database, domain: str = ACME, **more: Any) -> int:
    values: dict[str, Any] = {
        "extension": "101",
        "state": VoicemailState.STORED,
        "switch": "local",
        "caller": "+6591112222",
        "caller_name": "Ann Lee",
        "began": NOON,
        "longest": 60,
        "store_key": "a.example/voicemail/1.wav",
        "sha256": "0" * 64,
    }
    with database.writing() as session:
        owner = session.execute(select(Organisation.id).where(Organisation.domain == domain)).scalar_one()
        row = Voicemail(organisation_id=owner, call=str(uuid.uuid4()), **(values | more))
        session.add(row)
        session.flush()
        return row.id


def row(database: Database, number: int) -> Voicemail:
    with database.reading() as session:
        found = session.get_one(Voicemail, number)
        session.expunge_all()
    return found


def test_new_messages_come_first_and_the_oldest_of_each_first(database: Database, boxes: Mailboxes) -> None:
    late = left(database, began=NOON - timedelta(minutes=5), caller=None)
    early = left(database, began=NOON - timedelta(days=2))
    saved = left(database, began=NOON - timedelta(days=9), heard_at=NOON)
    # Nothing that cannot be heard, and nobody else's.
    left(database, state=VoicemailState.MISSED)
    left(database, state=VoicemailState.RECORDED)
    left(database, state=VoicemailState.DELETED)
    left(database, extension="102")
    left(database, BRAVO)
    # By the clock of Singapore it is 20:00.
    assert list(boxes.messages(ACME, "101")) == [
        Message(early, "+6591112222", 2, 20, 0, new=True),
        Message(late, None, 0, 19, 55, new=True),
        Message(saved, "+6591112222", 9, 20, 0, new=False),
    ]


def test_a_day_is_one_of_the_organisation_s_calendar(database: Database, boxes: Mailboxes) -> None:
    # 23:30 of the day before in Singapore; in UTC the same day.
    left(database, began=NOON.replace(hour=12) - timedelta(hours=20, minutes=30))
    assert [(one.days, one.hour, one.minute) for one in boxes.messages(ACME, "101")] == [(1, 23, 30)]


def test_what_was_heard_is_not_new_and_the_first_time_counts(database: Database, boxes: Mailboxes) -> None:
    number, earlier = left(database), left(database, heard_at=NOON - timedelta(days=1))
    boxes.heard(ACME, "101", number)
    boxes.heard(ACME, "101", earlier)
    assert row(database, number).heard_at == NOON
    assert row(database, earlier).heard_at == NOON - timedelta(days=1)


def test_what_is_deleted_by_phone_is_on_record_by_its_device_and_is_erased_next(
    database: Database, boxes: Mailboxes
) -> None:
    number = left(database)
    boxes.delete(ACME, "101", number, "101-ip_phone")
    boxes.delete(ACME, "101", number, "101-ip_phone")
    found = row(database, number)
    assert (found.state, found.deleted_at, found.next_look) == (VoicemailState.DELETED, NOON, NOON)
    with database.reading() as session:
        trail = [
            (line.actor, line.name, line.before, line.after)
            for line in session.scalars(select(Audit).where(Audit.noun == "voicemail"))
        ]
    assert trail == [("101-ip_phone", str(number), "stored", "deleted")]
    assert boxes.messages(ACME, "101") == []


def test_another_extension_s_or_organisation_s_message_is_neither_played_nor_marked_nor_deleted(
    database: Database, boxes: Mailboxes, copies: Copies
) -> None:
    number = left(database, extension="102")
    for domain, key in ((ACME, "101"), (BRAVO, "102")):
        boxes.heard(domain, key, number)
        boxes.delete(domain, key, number, "101-ip_phone")
        with boxes.recording(domain, key, number) as path:
            assert path is None
    assert (row(database, number).state, row(database, number).heard_at) == (VoicemailState.STORED, None)
    assert copies.given == []


def test_a_copy_is_taken_away_when_it_was_played_even_if_the_caller_hung_up(
    database: Database, boxes: Mailboxes, copies: Copies
) -> None:
    number = left(database)
    with pytest.raises(InterruptedError), boxes.recording(ACME, "101", number) as path:
        assert path == Path("/sounds/copy.wav")
        assert copies.forgotten == []
        raise InterruptedError
    assert copies.given == [("a.example/voicemail/1.wav", "0" * 64)]
    assert copies.forgotten == ["a.example/voicemail/1.wav"]


def test_a_copy_stays_until_the_last_phone_of_the_extension_has_played_it(
    database: Database, boxes: Mailboxes, copies: Copies
) -> None:
    number = left(database)
    with boxes.recording(ACME, "101", number):
        with boxes.recording(ACME, "101", number):
            pass
        assert copies.forgotten == []
    assert copies.forgotten == ["a.example/voicemail/1.wav"]


def test_a_recording_that_the_store_does_not_give_is_told_as_none(
    database: Database, boxes: Mailboxes, copies: Copies
) -> None:
    number = left(database)
    copies.there.clear()
    with boxes.recording(ACME, "101", number) as path:
        assert path is None
    assert copies.forgotten == []
