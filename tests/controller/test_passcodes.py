"""Entries judged and counted for live calls, on SQLite and PostgreSQL."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import gevent
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import select
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from bizpbx.calls.passcode import Verdict
from bizpbx.controller.changes import Changes
from bizpbx.controller.passcodes import StoredPasscodes
from bizpbx.controller.queries import Queries
from bizpbx.directory.database import Database
from bizpbx.directory.organisation import Organisation
from bizpbx.directory.passcodes import PIN, STORED
from bizpbx.mail.message import message
from bizpbx.mail.outbox import Mail
from bizpbx.mail.queue import claimed
from tests.settings.given import given
from tests.settings.samples import NOON, applied, example

ACME = "acme.example"


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> object:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def url_of(database: Database) -> str:
    return database.url.render_as_string(hide_password=False)


@pytest.fixture
def passcodes(database: Database, clock: Clock) -> Iterator[StoredPasscodes]:
    data = example()
    data["extensions"][0]["passcode"] = "2468"
    given(database, data)
    made = StoredPasscodes(Queries(database), Changes(url_of(database)), clock)  # type: ignore[arg-type]
    yield made
    made.close()


def test_the_right_one_opens_and_a_wrong_one_does_not(passcodes: StoredPasscodes) -> None:
    assert passcodes.check(ACME, "100", "2468") is Verdict.RIGHT
    assert passcodes.check(ACME, "100", "8642") is Verdict.WRONG
    assert passcodes.check(ACME, "101", "2468") is Verdict.WRONG
    assert not passcodes.locked(ACME, "100")


def test_the_fifth_locks_even_the_right_one_out_with_an_alert_that_names_no_digit(
    passcodes: StoredPasscodes, clock: Clock
) -> None:
    def locks() -> float:
        return REGISTRY.get_sample_value("bizpbx_passcode_locked_total", {"organisation": ACME}) or 0.0

    before = locks()
    with capture_logs() as logs:
        verdicts = [passcodes.check(ACME, "100", "97531") for _ in range(5)]
    assert verdicts == [Verdict.WRONG] * 4 + [Verdict.LOCKED]
    assert passcodes.locked(ACME, "100")
    assert passcodes.check(ACME, "100", "2468") is Verdict.LOCKED
    assert locks() == before + 1
    assert logs[-1] == {
        "event": "passcode.locked",
        "log_level": "warning",
        "organisation": ACME,
        "extension": "100",
        "until": "2026-03-01T12:15:00+00:00",
        "lockouts": 1,
    }
    assert "97531" not in str(logs)
    clock.now += timedelta(minutes=15)
    assert passcodes.check(ACME, "100", "2468") is Verdict.RIGHT


def test_a_pin_is_judged_counted_and_locked_apart_from_the_passcode(
    passcodes: StoredPasscodes, database: Database, clock: Clock
) -> None:
    data = example()
    data["organisation"]["alerts"] = ["ops@acme.example"]
    data["extensions"][0] |= {"passcode": STORED, "no_answer": {"pin": "13579"}}
    applied(database, data)
    pins = StoredPasscodes(Queries(database), Changes(url_of(database)), clock, PIN)  # type: ignore[arg-type]  # a clock of the test
    with capture_logs() as logs:
        assert pins.check(ACME, "100", "13579") is Verdict.RIGHT
        assert pins.check(ACME, "100", "2468") is Verdict.WRONG
        assert passcodes.check(ACME, "100", "13579") is Verdict.WRONG
        assert [pins.check(ACME, "100", "97531") for _ in range(4)][-1] is Verdict.LOCKED
    assert pins.locked(ACME, "100") and not passcodes.locked(ACME, "100")
    assert passcodes.check(ACME, "100", "2468") is Verdict.RIGHT
    assert logs[-1]["event"] == "pin.locked"
    assert not any(digits in str(logs) for digits in ("97531", "13579", "2468"))
    with database.reading() as session:
        (mail,) = session.scalars(select(Mail))
        owner = session.get_one(Organisation, mail.organisation_id)
        written = message(claimed(mail, owner), "pbx@acme.example")
    assert written["Subject"] == "Acme: the voicemail PIN of 100 is locked"
    body = written.get_body(("plain",))
    assert body is not None and "bizpbx lockout clear 100 --of pin" in body.get_content()
    clock.now += timedelta(minutes=15)
    assert pins.check(ACME, "100", "13579") is Verdict.RIGHT
    pins.close()


def test_calls_go_on_while_somebody_else_writes(sqlite_database: Database) -> None:
    changes, began, ticks = Changes(url_of(sqlite_database)), threading.Event(), 0

    def writes_for_long() -> None:
        with sqlite_database.writing() as session:
            session.connection()
            began.set()
            time.sleep(0.4)

    def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            gevent.sleep(0.01)

    def nothing(session: Session) -> str:
        session.connection()
        return "done"

    writer = threading.Thread(target=writes_for_long)
    writer.start()
    began.wait()
    ticking = gevent.spawn(tick)
    started = time.monotonic()
    assert changes.make(nothing) == "done"
    assert time.monotonic() - started > 0.2
    assert ticks > 10
    ticking.kill()
    writer.join()
    changes.close()
