"""The folder that the switch writes to: nothing is lost and nothing is taken twice, whatever stops in between."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg.errors import DiskFull
from sqlalchemy import func, select
from sqlalchemy.exc import DataError, OperationalError

from bizpbx.controller import records as controller_records
from bizpbx.controller.changes import Changes
from bizpbx.controller.queries import DatabaseSilent
from bizpbx.controller.records import Records
from bizpbx.directory.database import Database
from bizpbx.freeswitch.spool import LOW, UNFINISHED, Spool
from bizpbx.metering import ingest as ingesting
from bizpbx.metering.call_record import CallLeg, CallRecord
from tests.records import samples

NOW = float(samples.BEGAN + 100)
TODAY = datetime.fromtimestamp(NOW, UTC).date()


class Desk:
    """One controller's records on a folder, with a clock that stands still."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.folder = folder
        self.now = NOW
        self.changes = Changes(database.url.render_as_string(hide_password=False))
        self.spool = Spool(folder)
        self.spool.prepare()
        self.every_event: list[bool] = []
        """Whether every event was asked for, or those of charged legs alone, each time it was."""
        self.records = Records(self.changes, self.spool, 7, lambda: self.now, self.every_event.append)
        self._database = database

    def written(self, leg: str, data: bytes, at: float = NOW - 1) -> Path:
        path = self.folder / f"{leg}.cdr.xml"
        path.write_bytes(data)
        os.utime(path, (at, at))
        return path

    def waiting(self) -> set[str]:
        return {path.name for path in self.folder.iterdir() if path.is_file()}

    def count(self, table: Any) -> int:
        with self._database.reading() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0

    def done(self) -> set[str]:
        return {path.name for path in (self.folder / "done" / TODAY.isoformat()).glob("*")}

    def failed(self) -> set[str]:
        return {path.name for path in (self.folder / "failed").glob("*")}


@pytest.fixture
def desk(settings: Database, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(settings, tmp_path / "spool")
    yield made
    made.changes.close()


def test_files_go_to_done_once_they_are_on_record(desk: Desk) -> None:
    desk.written("a", samples.file(samples.calling()))
    desk.written("b", samples.file(samples.called()))
    (desk.folder / "notes.txt").write_text("not ours")
    assert desk.records.look() is False
    assert desk.waiting() == {"notes.txt"}
    assert desk.done() == {"a.cdr.xml", "b.cdr.xml"}
    assert (desk.count(CallLeg), desk.count(CallRecord)) == (2, 1)


def test_a_file_that_is_being_written_waits_and_one_that_stays_cut_short_is_put_aside(desk: Desk) -> None:
    whole = samples.file(samples.calling())
    desk.written("a", whole[: len(whole) // 2])
    desk.records.look()
    assert desk.waiting() == {"a.cdr.xml"}
    desk.written("a", whole)
    desk.written("b", b"")
    desk.now += UNFINISHED
    desk.records.look()
    assert desk.waiting() == set()
    assert desk.done() == {"a.cdr.xml"}
    assert desk.failed() == {"b.cdr.xml", "b.cdr.xml.reason"}
    assert "disk" in (desk.folder / "failed" / "b.cdr.xml.reason").read_text()
    assert desk.count(CallLeg) == 1


def test_a_file_that_was_put_aside_comes_in_when_it_is_moved_back(desk: Desk) -> None:
    stranger = desk.written("a", samples.file(samples.from_gateway(bizpbx_domain="x.example")))
    desk.records.look()
    assert desk.failed() == {"a.cdr.xml", "a.cdr.xml.reason"}
    (desk.folder / "failed" / "a.cdr.xml").unlink()
    stranger.write_bytes(samples.file(samples.from_gateway()))
    desk.records.look()
    assert desk.count(CallLeg) == 1


@pytest.mark.parametrize("data", [b"<cdr>\n</cdr>\n", b"\x00" * 100 + b"</cdr>", b"</cdr>"])
def test_what_is_no_record_is_put_aside_with_its_reason(desk: Desk, data: bytes) -> None:
    desk.written("a", data)
    desk.written("b", samples.file(samples.calling("b")))
    desk.records.look()
    assert desk.failed() == {"a.cdr.xml", "a.cdr.xml.reason"}
    assert "unreadable-record" in (desk.folder / "failed" / "a.cdr.xml.reason").read_text()
    assert desk.done() == {"b.cdr.xml"}


def test_links_and_folders_are_not_followed(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(samples.file(samples.calling()))
    (desk.folder / "x.cdr.xml").symlink_to(tmp_path / "secret")
    (desk.folder / "y.cdr.xml").mkdir()
    desk.records.look()
    assert desk.count(CallLeg) == 0


def test_a_crash_between_commit_and_move_takes_nothing_twice(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.written("a", samples.file(samples.calling()))

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(desk.spool, "put_away", crash)
        with pytest.raises(KeyboardInterrupt):
            desk.records.look()
    assert (desk.waiting(), desk.count(CallLeg)) == ({"a.cdr.xml"}, 1)
    desk.records.look()
    assert (desk.waiting(), desk.count(CallLeg), desk.count(CallRecord)) == (set(), 1, 1)


def test_a_database_that_is_away_loses_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.written("a", samples.file(samples.calling()))
    desk.records.heard(samples.event(samples.called()))

    def away(*_: object) -> None:
        raise OperationalError("", {}, DiskFull("no space left"))

    with monkeypatch.context() as patch:
        patch.setattr(controller_records, "ingest", away)
        for _ in range(2):
            with pytest.raises((OperationalError, DatabaseSilent)):
                desk.records.look()
    assert desk.waiting() == {"a.cdr.xml"}
    desk.records.look()
    assert (desk.count(CallLeg), desk.count(CallRecord)) == (2, 1)


def test_one_record_that_the_database_refuses_does_not_hold_up_the_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for leg in ("a", "b", "c"):
        desk.written(leg, samples.file(samples.calling(leg)))

    def picky(session: Any, legs: Any, now: datetime) -> ingesting.Outcome:
        if any(leg.leg == "b" for leg in legs):
            raise DataError("", {}, Exception("value too long"))
        return ingesting.ingest(session, legs, now)

    monkeypatch.setattr(controller_records, "ingest", picky)
    desk.records.look()
    assert desk.done() == {"a.cdr.xml", "c.cdr.xml"}
    assert desk.failed() == {"b.cdr.xml", "b.cdr.xml.reason"}


def test_a_leg_that_an_event_told_is_not_taken_again_from_its_file(desk: Desk) -> None:
    desk.records.heard(samples.event(samples.calling()))
    desk.records.heard(samples.event(samples.called()))
    desk.records.look()
    assert (desk.count(CallLeg), desk.count(CallRecord)) == (2, 1)
    desk.written("a", samples.file(samples.calling()))
    desk.records.look()
    assert (desk.done(), desk.count(CallLeg)) == ({"a.cdr.xml"}, 2)


def test_a_file_waits_a_moment_for_its_event_but_not_for_a_clock_that_was_set_back(desk: Desk) -> None:
    desk.written("a", samples.file(samples.calling()), at=NOW - controller_records.YOUNG / 2)
    desk.written("b", samples.file(samples.called()), at=NOW + 3600)
    desk.records.look()
    assert desk.waiting() == {"a.cdr.xml"}
    desk.now += controller_records.YOUNG
    desk.records.look()
    assert (desk.waiting(), desk.count(CallLeg)) == (set(), 2)


def test_while_files_come_events_of_charged_legs_will_do(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.records.look()
    # A switch that writes no files is heard.
    assert desk.every_event == []
    desk.written("a", samples.file(samples.calling()))
    desk.records.look()
    assert desk.every_event == [False]
    with monkeypatch.context() as full:
        full.setattr(Spool, "free", lambda spool: LOW - 1)
        desk.records.look()
    assert desk.every_event == [False, True]
    desk.records.look()
    assert desk.every_event == [False, True, False]


def test_every_event_is_wanted_again_when_the_folder_is_gone(desk: Desk) -> None:
    desk.written("a", samples.file(samples.calling()))
    desk.records.look()
    desk.folder.rename(desk.folder.with_name("elsewhere"))
    with pytest.raises(OSError, match="spool"):
        desk.records.look()
    assert desk.every_event == [False, True]
    desk.spool.prepare()
    desk.records.look()
    # Nothing has come yet.
    assert desk.every_event == [False, True]


def test_a_file_that_no_event_comes_for_hardly_waits(desk: Desk) -> None:
    desk.written("a", samples.file(samples.calling()))
    desk.records.look()
    desk.written("b", samples.file(samples.called()), at=NOW - controller_records.SOON)
    desk.records.look()
    assert desk.done() == {"a.cdr.xml", "b.cdr.xml"}


def test_an_event_that_cannot_be_read_is_left_to_the_file(desk: Desk) -> None:
    desk.records.heard({"variable_uuid": "a"})
    desk.records.look()
    assert desk.count(CallLeg) == 0


def test_one_controller_at_a_time_reads_a_folder(desk: Desk) -> None:
    other = Spool(desk.folder)
    with other.claimed() as mine:
        assert mine
        desk.written("a", samples.file(samples.calling()))
        desk.records.look()
        assert desk.waiting() == {"a.cdr.xml"}
    desk.records.look()
    assert desk.waiting() == set()


def test_a_backlog_is_taken_in_parts(desk: Desk) -> None:
    legs = controller_records.BATCH * 2 + 1
    for number in range(legs):
        desk.written(f"a{number}", samples.file(samples.calling(f"a{number}")))
    assert [desk.records.look() for _ in range(3)] == [True, True, False]
    assert desk.count(CallRecord) == legs


def test_what_is_on_record_is_kept_for_its_days_and_less_when_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path)
    for days in range(10):
        spool.put_away(_file(tmp_path), date(2026, 5, 10) - timedelta(days=days))
    assert spool.prune(date(2026, 5, 10), 7) == 2
    assert len(list(spool.done.iterdir())) == 8
    free = iter([LOW - 1, LOW - 1, LOW])
    monkeypatch.setattr(spool, "free", lambda: next(free))
    assert spool.prune(date(2026, 5, 10), 7) == 2
    assert min(path.name for path in spool.done.iterdir()) == "2026-05-05"


def test_a_file_that_done_cannot_take_is_removed(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.done.write_text("in the way")
    path = _file(tmp_path)
    spool.put_away(path, TODAY)
    assert not path.exists()


def _file(folder: Path) -> Path:
    path = folder / "a.cdr.xml"
    path.write_bytes(samples.file(samples.calling()))
    return path
