"""`bizpbx voicemail`: what is kept, found, fetched whole and deleted, each organisation its own."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bizpbx.config import load
from bizpbx.directory.database import Database
from bizpbx.directory.organisation import Organisation
from bizpbx.voicemail.record import Note, Voicemail, VoicemailState
from bizpbx.voicemail.store import Store, store_of
from tests.cli.conftest import Homes
from tests.cli.test_commands import Done, Run, bizpbx
from tests.settings.samples import example
from tests.voicemail.aws import Aws
from tests.voicemail.conftest import BUCKET, aws

__all__ = ["aws", "bizpbx"]

BEGAN = datetime(2026, 5, 1, 1, 30, tzinfo=UTC)
"""09:30 in Singapore."""
SAID = b"RIFF what was said"
KEY = "acme.example/voicemail/17.wav"


@dataclass
class Kept:
    """The installation of a test, with two organisations and some voicemails."""

    run: Run
    database: Database
    store: Store
    home: Path
    calls: int = 0

    def add(self, domain: str = "acme.example", state: VoicemailState = VoicemailState.STORED, **more: Any) -> int:
        self.calls += 1
        values: dict[str, Any] = {
            "extension": "101",
            "switch": "local",
            "call": f"call-{self.calls}",
            "caller": "+6591112222",
            "caller_name": "Ann Lee",
            "began": BEGAN,
            "longest": 60,
        }
        if state is VoicemailState.STORED:
            stored = {"store_key": KEY, "sha256": hashlib.sha256(SAID).hexdigest(), "size": len(SAID), "seconds": 3}
            values |= stored
        with self.database.writing() as session:
            owner = session.execute(select(Organisation.id).where(Organisation.domain == domain)).scalar_one()
            row = Voicemail(organisation_id=owner, state=state, **(values | more))
            session.add(row)
            session.flush()
            return row.id

    def put(self, data: bytes = SAID, key: str = KEY) -> None:
        path = self.home / "given"
        path.write_bytes(data)
        self.store.put(key, path)

    def __call__(self, *arguments: str, code: int = 0, domain: str = "acme.example") -> Done:
        return self.run("voicemail", *arguments, "--organisation", domain, code=code)

    def json(self, *arguments: str, domain: str = "acme.example") -> Any:
        return json.loads(self(*arguments, "--json", domain=domain).stdout)

    def audited(self) -> list[tuple[str, str, str, Any, Any]]:
        told = self.run("audit", "list", "--noun", "voicemail", "--organisation", "acme.example", "--json").stdout
        return [(one["actor"], one["name"], one["field"], one["before"], one["after"]) for one in json.loads(told)]


@pytest.fixture(params=["folder", "s3"])
def kept(
    bizpbx: Run, homes: Homes, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Kept]:
    if request.param == "s3":
        server: Aws = request.getfixturevalue("aws")
        monkeypatch.setenv("BIZPBX_STORE", f"s3://{BUCKET}/pbx")
        monkeypatch.setenv("BIZPBX_S3_ENDPOINT", server.url)
    homes(bizpbx, example(), example("bravo.example", "+6564299999"))
    home = tmp_path / "home"
    database = Database(f"sqlite:///{home / 'bizpbx.db'}")
    yield Kept(bizpbx, database, store_of(load()), home)
    database.close()


FIELDS = (
    "id", "extension", "state", "caller", "caller_name", "began", "seconds", "note", "heard", "deleted", "size",
    "sha256", "store_key", "switch", "call",
)  # fmt: skip


def test_voicemails_are_listed_and_filtered(kept: Kept) -> None:
    said = kept.add()
    heard = kept.add(began=BEGAN + timedelta(hours=1), heard_at=BEGAN + timedelta(hours=2))
    missed = kept.add(state=VoicemailState.MISSED, extension="102", note=Note.SILENT, began=BEGAN + timedelta(days=1))
    gone = kept.add(state=VoicemailState.DELETED, deleted_at=BEGAN, began=BEGAN - timedelta(days=1))
    kept.add("bravo.example")
    rows = kept.json("list")
    assert [row["id"] for row in rows] == [missed, heard, said]
    assert all(tuple(row) == FIELDS for row in rows)
    assert (rows[2]["began"], rows[2]["caller"], rows[2]["seconds"]) == ("2026-05-01T09:30:00+08:00", "+6591112222", 3)
    for filters, found in (
        (("--extension", "102"), [missed]),
        (("--state", "missed"), [missed]),
        (("--state", "deleted"), [gone]),
        (("--new",), [said]),
        (("--heard",), [heard]),
        (("--since", "2026-05-02"), [missed]),
        (("--since", "2026-05-01T10:00", "--until", "2026-05-01"), [heard]),
        (("--limit", "1"), [missed]),
    ):
        assert [row["id"] for row in kept.json("list", *filters)] == found, filters
    table = kept("list").stdout.splitlines()
    assert table[0].split("\t")[:3] == ["id", "extension", "state"]
    assert len(table) == 4
    for wrong in (("--extension", "x"), ("--since", "yesterday")):
        assert kept("list", *wrong, code=1).stderr.startswith(f"{wrong[0]}: must be")


def test_one_is_shown_with_what_is_known_of_its_file(kept: Kept) -> None:
    number = str(kept.add())
    assert kept.json("show", number)["store_key"] == KEY
    assert f"store_key = {KEY}\n" in kept("show", number).stdout


def test_a_recording_is_fetched_whole_and_on_record(kept: Kept, tmp_path: Path) -> None:
    number = str(kept.add())
    kept.put()
    told = kept.json("fetch", number, "message.wav", "--actor", "ann")
    assert told == {
        "id": int(number),
        "file": "message.wav",
        "size": len(SAID),
        "sha256": hashlib.sha256(SAID).hexdigest(),
    }
    assert (tmp_path / "message.wav").read_bytes() == SAID
    assert stat.S_IMODE((tmp_path / "message.wav").stat().st_mode) == 0o600
    assert kept.audited() == [("ann", number, "fetched_of", None, "101")]
    # Without a name it is called as in its mail, by the clock of the organisation.
    assert "voicemail-101-20260501-093000.wav" in kept("fetch", number).stdout
    assert (tmp_path / "voicemail-101-20260501-093000.wav").read_bytes() == SAID


def test_no_file_is_written_over(kept: Kept, tmp_path: Path) -> None:
    number = str(kept.add())
    kept.put()
    (tmp_path / "mine.wav").write_bytes(b"mine")
    (tmp_path / "link.wav").symlink_to(tmp_path / "nowhere")
    for name in ("mine.wav", "link.wav"):
        assert "is there already" in kept("fetch", number, name, code=1).stderr
    assert (tmp_path / "mine.wav").read_bytes() == b"mine"
    assert not (tmp_path / "nowhere").exists()
    assert "cannot be written" in kept("fetch", number, "no/folder.wav", code=1).stderr
    assert kept.audited() == []


def test_another_recording_than_the_one_that_was_stored_is_not_given(kept: Kept, tmp_path: Path) -> None:
    number = str(kept.add())
    kept.put(b"RIFF what was SAID")
    assert kept("fetch", number, "message.wav", code=1).stderr.endswith("[damaged]\n")
    kept.store.delete(KEY)
    assert kept("fetch", number, "message.wav", code=1).stderr.endswith("[not-stored]\n")
    assert not list(tmp_path.glob("*.wav")) and not list(tmp_path.glob(".*"))
    assert kept.audited() == []


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (VoicemailState.MISSED, "is a missed call"),
        (VoicemailState.RECORDING, "not in the store yet"),
        (VoicemailState.RECORDED, "not in the store yet"),
        (VoicemailState.DELETED, "was deleted"),
    ],
)
def test_without_a_recording_there_is_nothing_to_fetch(kept: Kept, state: VoicemailState, words: str) -> None:
    assert words in kept("fetch", str(kept.add(state=state)), "message.wav", code=1).stderr


def test_a_voicemail_is_deleted_once_and_on_record(kept: Kept) -> None:
    number = str(kept.add())
    kept.put()
    assert kept.json("delete", number, "--actor", "ben") == {"id": int(number), "before": "stored"}
    row = kept.json("show", number)
    assert (row["state"], row["deleted"] is not None) == ("deleted", True)
    assert "was deleted before" in kept("delete", number).stdout
    # The store has it until a controller looks; nobody else has.
    assert "was deleted" in kept("fetch", number, "message.wav", code=1).stderr
    assert kept.audited() == [("ben", number, "state", "stored", "deleted")]


def test_what_is_on_its_way_cannot_be_deleted_yet(kept: Kept) -> None:
    number = str(kept.add(state=VoicemailState.RECORDED))
    assert "in some minutes" in kept("delete", number, code=1).stderr
    assert kept.json("show", number)["state"] == "recorded"


def test_nothing_of_another_organisation_is_seen_fetched_or_deleted(kept: Kept) -> None:
    number = str(kept.add())
    kept.put()
    assert kept.json("list", domain="bravo.example") == []
    for command in (("show", number), ("fetch", number, "message.wav"), ("delete", number)):
        assert kept(*command, code=1, domain="bravo.example").stderr.endswith("[not-found]\n")
    assert kept.json("show", number)["state"] == "stored"
