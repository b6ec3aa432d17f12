"""From the switch's disk through the store into the mail, whatever dies or is away meanwhile: nothing lost, nothing
told twice. On both databases, with a folder and with S3 over HTTP."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bizpbx.controller import faults
from bizpbx.directory.database import Database
from bizpbx.directory.organisation import Organisation
from bizpbx.errors import NotStored
from bizpbx.mail import queue
from bizpbx.mail.outbox import MailState
from bizpbx.simulator import sound
from bizpbx.voicemail import collecting, keeping
from bizpbx.voicemail.record import VoicemailState
from bizpbx.voicemail.store import Stored
from bizpbx.voicemail.store.folder import FolderStore
from bizpbx.voicemail.store.s3 import S3Store
from tests.mail.server import MailServer
from tests.settings.samples import NOON, applied
from tests.voicemail.post import ANN, BEN, Died, Post, delivered, everything, tone_of


@pytest.fixture(
    params=["sqlite-s3", pytest.param("postgres-folder", marks=[pytest.mark.postgres, pytest.mark.thorough])]
)
def post(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Post]:
    """Both databases and both stores. Neither knows of the other, so each is there once."""
    kind, _, place = request.param.partition("-")
    store = FolderStore(tmp_path / "store") if place == "folder" else request.getfixturevalue("s3")
    made = Post(request.getfixturevalue(f"{kind}_database"), store, tmp_path)
    yield made
    made.close()


@pytest.fixture
def plain(sqlite_database: Database, tmp_path: Path) -> Iterator[Post]:
    """For what has nothing to do with the kind of database or store."""
    made = Post(sqlite_database, FolderStore(tmp_path / "store"), tmp_path)
    yield made
    made.close()


def test_a_recording_is_stored_and_mailed_to_each_address_and_leaves_the_switch(post: Post, server: MailServer) -> None:
    call = post.records(sound.tone(440.0, 2.0))
    everything(post.collector())
    row = post.row()
    assert (row.state, row.seconds, row.next_look, row.claim) == (VoicemailState.STORED, 2, None, None)
    assert row.store_key is not None and row.store_key.startswith("acme.example/voicemail/")
    assert post.store.fetch(row.store_key, post.folder / "got") == Stored(str(row.sha256), row.size or 0)
    assert not post.recordings.path(call).exists()
    mails = delivered(server, post.postman(server))
    assert set(mails) == {ANN, BEN}
    for mail in mails.values():
        frequency, seconds = tone_of(mail)
        assert abs(frequency - 440.0) < 5.0 and abs(seconds - 2.0) < 0.2


def test_a_store_that_is_away_for_an_hour_loses_nothing_and_is_asked_less_and_less(
    post: Post, server: MailServer
) -> None:
    call = post.records(sound.tone(440.0, 1.0))
    collector = post.collector()
    post.store.away = True
    while post.now < NOON + timedelta(hours=1):
        everything(collector)
        assert post.recordings.path(call).exists()
        post.now += timedelta(seconds=10)
    assert 15 < post.row().tries < 25
    assert (post.row().state, post.told()) == (VoicemailState.RECORDED, [])
    post.store.away = False
    post.now += collecting.LONGEST
    everything(collector)
    assert (post.row().state, post.told()) == (VoicemailState.STORED, [(ANN, "voicemail"), (BEN, "voicemail")])
    assert not post.recordings.path(call).exists()
    assert abs(tone_of(delivered(server, post.postman(server))[ANN])[0] - 440.0) < 5.0


def test_a_mail_server_that_is_down_for_an_hour_loses_no_recording_and_gets_none_twice(
    post: Post, server: MailServer
) -> None:
    post.records(sound.tone(700.0, 1.0))
    everything(post.collector())
    server.stop()
    postman = post.postman(server)
    while post.now < NOON + timedelta(hours=1):
        postman.look()
        post.now += timedelta(seconds=30)
    assert {mail.state for mail in post.mails()} == {MailState.QUEUED}
    server.start()
    while len(server.taken) < 2 and post.now < NOON + timedelta(hours=2):
        postman.look()
        post.now += timedelta(seconds=30)
    assert set(delivered(server, postman)) == {ANN, BEN}
    assert all(abs(tone_of(mail)[0] - 700.0) < 5.0 for mail in server.taken)


@pytest.mark.parametrize("point", [None, faults.Point.IN_STORE, faults.Point.COLLECTED])
def test_who_dies_at_any_step_is_made_up_for_by_the_next_once(
    post: Post, server: MailServer, monkeypatch: pytest.MonkeyPatch, point: faults.Point | None
) -> None:
    call = post.records(sound.tone(440.0, 1.0))

    def dies(*_: object) -> Any:
        raise Died

    def dies_at(reached: faults.Point) -> None:
        if reached is point:
            raise Died

    with monkeypatch.context() as patched:
        if point is None:
            # Before the store has any of it.
            patched.setattr(post.store, "put", dies)
        patched.setattr(faults, "reach", dies_at)
        with pytest.raises(Died):
            post.collector().look()
    assert post.recordings.path(call).exists()
    second = post.collector()
    second.look()
    if point is not faults.Point.COLLECTED:
        # Until its claim has expired nobody touches it.
        assert (post.row().state, post.told()) == (VoicemailState.RECORDED, [])
    post.now += collecting.CLAIM
    everything(second)
    assert (post.row().state, post.told()) == (VoicemailState.STORED, [(ANN, "voicemail"), (BEN, "voicemail")])
    assert not post.recordings.path(call).exists()
    assert len(set(post.store.puts)) == 1
    assert set(delivered(server, post.postman(server))) == {ANN, BEN}


def test_two_controllers_beside_one_switch_collect_each_recording_once(post: Post) -> None:
    for _ in range(4):
        post.records(sound.tone(440.0, 0.5))
    first, second = post.collector(), post.collector()
    while first.look() | second.look():
        pass
    assert len(post.store.puts) == len(set(post.store.puts)) == 4
    assert post.told().count((ANN, "voicemail")) == 4


def test_one_whose_claim_was_taken_over_neither_tells_nor_deletes(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    call = post.records(sound.tone(440.0, 0.5))
    slow, other = post.collector(), post.collector()
    put = post.store.put

    def slowly(key: str, path: Path) -> Stored:
        monkeypatch.setattr(post.store, "put", put)
        post.now += collecting.CLAIM
        other.look()
        assert not post.recordings.path(call).exists()
        # The copy that the slow one has opened is gone for it, too; the store has it.
        return post.store.store.fetch(key, post.folder / "again")

    monkeypatch.setattr(post.store, "put", slowly)
    slow.look()
    assert (post.row().state, post.told()) == (VoicemailState.STORED, [(ANN, "voicemail"), (BEN, "voicemail")])


WAV_WITHOUT_SOUND = (
    b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
)
USELESS: list[tuple[str, array[int] | bytes | None, str, str]] = [
    ("of no length", b"", "empty", "The caller left no voicemail."),
    ("with a head alone", WAV_WITHOUT_SOUND + b"data" + struct.pack("<I", 0), "empty", "The caller left no voicemail."),
    ("of silence", sound.silence(3.0), "silent", "Nothing was said on the voicemail."),
    ("of a click", sound.tone(440.0, 0.1), "silent", "Nothing was said on the voicemail."),
    (
        "that is none",
        b"#!/bin/sh\nexit 1\n" * 50,
        "unreadable",
        "The caller left a voicemail, but its recording is damaged.",
    ),
    ("that was never written", None, "nothing-recorded", "The caller left no voicemail."),
]


@pytest.mark.parametrize(("said", "note", "words"), [one[1:] for one in USELESS], ids=[one[0] for one in USELESS])
def test_a_file_of_no_use_is_a_missed_call_with_a_note(
    plain: Post, server: MailServer, said: array[int] | bytes | None, note: str, words: str
) -> None:
    call = plain.records(said)
    everything(plain.collector())
    row = plain.row()
    assert (row.state, row.note, row.store_key) == (VoicemailState.MISSED, note, None)
    assert not plain.recordings.path(call).exists()
    # What cannot be read is kept for whoever wants to know why.
    assert [path.name for path in plain.recordings.failed.iterdir()] == (
        [f"{call}.wav"] if note == "unreadable" else []
    )
    assert plain.store.puts == []
    mails = delivered(server, plain.postman(server))
    assert set(mails) == {ANN, BEN}
    mail = mails[ANN]
    assert mail["Subject"] == "Missed call for 102 from Ann Lee (+6591112222)"
    body = mail.get_body(("plain",))
    assert body is not None and words in body.get_content()
    assert list(mail.iter_attachments()) == []


def test_a_recording_without_a_file_here_is_left_to_who_is_beside_its_switch(plain: Post) -> None:
    plain.records(sound.tone(440.0, 1.0))
    assert everything(plain.collector(local=False)) == 0
    assert plain.row().state is VoicemailState.RECORDED
    everything(plain.collector())
    assert plain.row().state is VoicemailState.STORED


def test_a_recording_whose_leg_was_never_on_record_is_collected_when_it_must_be_over(plain: Post) -> None:
    plain.records(sound.tone(440.0, 1.0), longest=30, ends=False)
    collector = plain.collector()
    plain.now += timedelta(seconds=29) + keeping.OVERDUE
    assert everything(collector) == 0
    plain.now += timedelta(seconds=1)
    everything(collector)
    assert plain.row().state is VoicemailState.STORED


def test_what_is_longer_than_allowed_is_cut(plain: Post, server: MailServer) -> None:
    plain.records(sound.tone(700.0, 4.0), longest=2)
    everything(plain.collector())
    assert plain.row().seconds == 2
    _, seconds = tone_of(delivered(server, plain.postman(server))[ANN])
    assert abs(seconds - 2.0) < 0.15


def test_what_is_old_is_deleted_with_its_recording_and_a_late_mail_says_so(post: Post, server: MailServer) -> None:
    applied(post.database, {"organisation": {"domain": "acme.example", "voicemail_days": 1}})
    post.records(sound.tone(440.0, 1.0))
    collector = post.collector()
    everything(collector)
    key = str(post.row().store_key)
    post.now += timedelta(days=1, minutes=2)
    post.store.away = True
    everything(collector)
    assert (post.row().state, post.row().store_key) == (VoicemailState.DELETED, key)
    post.store.away = False
    # From the moment on at which it is deleted, not from that at which the store has let go of it.
    for mail in delivered(server, post.postman(server)).values():
        body = mail.get_body(("plain",))
        assert body is not None and "deleted before this mail could be sent" in body.get_content()
        assert list(mail.iter_attachments()) == []
    assert [mail.state for mail in post.mails()] == [MailState.SENT] * 2
    post.now += timedelta(minutes=2)
    everything(collector)
    assert (post.row().store_key, post.row().next_look) == (None, None)
    with pytest.raises(NotStored):
        post.store.fetch(key, post.folder / "gone")


def test_a_recording_that_is_damaged_in_the_store_is_a_dead_letter_until_it_is_put_right(
    post: Post, server: MailServer
) -> None:
    post.records(sound.tone(440.0, 1.0))
    everything(post.collector())
    row = post.row()
    key, whole = str(row.store_key), post.folder / "whole"
    post.store.fetch(key, whole)
    (post.folder / "other").write_bytes(b"RIFF something else")
    post.store.store.put(key, post.folder / "other")
    postman = post.postman(server)
    assert delivered(server, postman) == {}
    dead = post.mails()
    assert [mail.state for mail in dead] == [MailState.DEAD] * 2
    assert all("something else" in str(mail.last_error) for mail in dead)
    post.store.store.put(key, whole)
    with post.database.writing() as session:
        owner = session.scalars(select(Organisation.id)).one()
        for mail in dead:
            assert queue.resend(session, owner, mail.id, post.now) is not None
    assert set(delivered(server, postman)) == {ANN, BEN}


@pytest.mark.parametrize(
    ("language", "subject", "words"),
    [
        (
            "zh",
            "102 的语音留言：Ann Lee (+6591112222)",
            "(Asia/Singapore) 致电 Acme 的分机 102，留下了 1 秒的语音留言。",
        ),
        ("en", "Voicemail for 102 from Ann Lee (+6591112222)", "left a voicemail of 1 s."),
        # There is none in Norwegian.
        ("nb", "Voicemail for 102 from Ann Lee (+6591112222)", "left a voicemail of 1 s."),
    ],
)
def test_the_mail_is_in_the_language_of_the_organisation(
    plain: Post, server: MailServer, language: str, subject: str, words: str
) -> None:
    applied(plain.database, {"organisation": {"domain": "acme.example", "language": language}})
    plain.records(sound.tone(440.0, 1.0))
    everything(plain.collector())
    mail = delivered(server, plain.postman(server))[ANN]
    assert mail["Subject"] == subject
    body, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert body is not None and words in body.get_content()
    assert html is not None and "Ann Lee" in html.get_content()


@pytest.mark.parametrize(
    "name",
    [
        "Ann\r\nBcc: thief@evil.example",
        "Ann\nContent-Type: text/html\n\n<script>alert(1)</script>",
        "=?utf-8?q?Ann=0D=0ABcc:_thief=40evil.example?=",
        "Ann\u2028Bcc: thief@evil.example",
        "<img src=x onerror=alert(1)>",
        "\u202etxt.exe",
    ],
)
def test_a_caller_s_name_writes_no_header_and_no_tag(plain: Post, server: MailServer, name: str) -> None:
    plain.records(sound.tone(440.0, 1.0), name=name)
    everything(plain.collector())
    mails = delivered(server, plain.postman(server))
    assert set(mails) == {ANN, BEN}
    mail = mails[ANN]
    assert {field.lower() for field in mail} == {
        "from", "to", "subject", "date", "message-id", "auto-submitted", "mime-version", "content-type",
    }  # fmt: skip
    assert str(mail["Subject"]).startswith("Voicemail for 102 from ")
    html = mail.get_body(("html",))
    assert html is not None
    assert not any(tag in html.get_content() for tag in ("<script", "<img", "\u202e", "\u2028"))


def test_an_s3_that_is_down_is_told_and_tried_again(
    sqlite_database: Database, s3: S3Store, tmp_path: Path, aws: Any
) -> None:
    post = Post(sqlite_database, s3, tmp_path)
    call = post.records(sound.tone(440.0, 1.0))
    collector = post.collector()
    # More than boto tries by itself.
    aws.refuse = 4
    everything(collector)
    assert (post.row().state, post.row().tries) == (VoicemailState.RECORDED, 1)
    assert post.recordings.path(call).exists()
    post.now += collecting.SHORTEST
    everything(collector)
    assert post.row().state is VoicemailState.STORED
    post.close()
