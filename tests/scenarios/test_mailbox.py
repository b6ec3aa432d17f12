"""Voicemail is heard by phone: `*97` plays the messages of the device's own extension, which are kept or deleted."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from array import array
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import gevent
import pytest
from sqlalchemy import delete, select

from bizpbx.directory.database import Database
from bizpbx.directory.organisation import Organisation
from bizpbx.directory.passcode_lockout import PinLockout
from bizpbx.errors import NotStored
from bizpbx.policy.prompt import Prompt
from bizpbx.simulator import sound
from bizpbx.testbed.sipp.voice import is_tone
from bizpbx.testbed.world import SAMPLE_RATE, PlacedCall
from bizpbx.voicemail.record import Voicemail as Row
from bizpbx.voicemail.record import VoicemailState
from bizpbx.voicemail.store import store_of
from tests.scenarios.conftest import ACME, BRAVO, MAILBOX, Scene
from tests.scenarios.test_passcode import heard, is_ours, subscribed, without_names

CODE = "*97"
PIN = "24681357"
"""Long enough to stand nowhere by chance."""
PATIENCE = 30.0
WINDOW = SAMPLE_RATE // 50

ENTER_PIN, WRONG_PIN = MAILBOX[Prompt.ENTER_PIN], MAILBOX[Prompt.WRONG_PIN]
REFUSED, EMPTY = MAILBOX[Prompt.PIN_REFUSED], MAILBOX[Prompt.MAILBOX_EMPTY]
MENU, UNAVAILABLE = MAILBOX[Prompt.MAILBOX_MENU], MAILBOX[Prompt.MESSAGE_UNAVAILABLE]


@dataclass
class Mailbox:
    """What is left for extensions, put there as a collector does."""

    scene: Scene
    folder: Path

    @property
    def _database(self) -> Database:
        return Database(self.scene.installation.config.database)

    def empty(self) -> None:
        database = self._database
        with database.writing() as session:
            session.execute(delete(Row))
            session.execute(delete(PinLockout))
        database.close()

    def leave(
        self, frequency: float, seconds: float = 1.0, key: str = "101", domain: str = ACME, ago: float = 0, **more: Any
    ) -> int:
        """A message of one tone, left so many minutes ago. Returns its number."""
        path = self.folder / f"{uuid.uuid4()}.wav"
        sound.write(path, sound.tone(frequency, seconds))
        place = f"{domain}/voicemail/{path.stem}.wav"
        store_of(self.scene.installation.config).put(place, path)
        row: dict[str, Any] = {
            "extension": key,
            "state": VoicemailState.STORED,
            "switch": "local",
            "call": path.stem,
            "caller": None,
            "caller_name": "",
            "began": datetime.now(UTC) - timedelta(minutes=ago),
            "longest": 60,
            "store_key": place,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "size": path.stat().st_size,
            "seconds": round(seconds),
        }
        database = self._database
        with database.writing() as session:
            owner = session.execute(select(Organisation.id).where(Organisation.domain == domain)).scalar_one()
            made = Row(organisation_id=owner, **(row | more))
            session.add(made)
            session.flush()
            number: int = made.id
        database.close()
        return number

    def row(self, number: int) -> Row:
        database = self._database
        with database.reading() as session:
            found = session.get_one(Row, number)
            session.expunge_all()
        database.close()
        return found

    def copies(self) -> list[Path]:
        """On the disk of the switch. Messages are in folders of their rates."""
        return list(self.scene.installation.config.sounds_folder.glob("*.wav"))


@pytest.fixture
def mailbox(scene: Scene, tmp_path: Path) -> Iterator[Mailbox]:
    made = Mailbox(scene, tmp_path)
    made.empty()
    yield made


def first_heard(heard: array[int], *frequencies: int) -> list[int]:
    """These tones in the order in which they were heard first."""
    order: dict[int, int] = {}
    for start in range(0, len(heard) - WINDOW + 1, WINDOW):
        for frequency in frequencies:
            if is_tone(heard[start : start + WINDOW], frequency):
                order.setdefault(frequency, start)
    return sorted(order, key=lambda one: order[one])


def until(true: Callable[[], object], seconds: float = PATIENCE) -> None:
    with gevent.Timeout(seconds):
        while not true():
            gevent.sleep(0.02)


def listening(scene: Scene, user: str = "101-ip_phone", to: str = CODE, domain: str = ACME, **more: Any) -> PlacedCall:
    more = {"hangup_after": 60.0, "listens": True} | more
    return scene.installation.world.place(scene.registered(user, domain), to, **more)


def toned(heard: array[int], frequency: int) -> float:
    """Seconds of this tone in what was heard."""
    windows = (heard[start : start + WINDOW] for start in range(0, len(heard) - WINDOW + 1, WINDOW))
    return sum(is_tone(window, frequency) for window in windows) / 50


def test_new_messages_then_saved_ones_are_heard_the_oldest_first_and_kept(scene: Scene, mailbox: Mailbox) -> None:
    late = mailbox.leave(1900, ago=5)
    early = mailbox.leave(1700, ago=50, caller="+6591112222", caller_name="Ann Lee")
    saved = mailbox.leave(1500, ago=5000, heard_at=datetime.now(UTC))
    call = listening(scene)
    for frequency in (1700, 1900, 1500):
        until(lambda: toned(call.heard(), frequency) > 0.9)  # noqa: B023 - it is waited for
        call.press("2")
    result = call.result(PATIENCE)
    assert (result.code, result.ended_by) == (200, "callee")
    heard = call.heard()
    assert first_heard(heard, 1500, 1700, 1900) == [1700, 1900, 1500]
    for frequency in (1500, 1700, 1900):
        assert abs(toned(heard, frequency) - 1.0) < 0.1
    assert all(mailbox.row(one).heard_at is not None for one in (late, early, saved))
    assert {mailbox.row(one).state for one in (late, early, saved)} == {VoicemailState.STORED}
    # Nothing of it stays beside the switch, nobody rang, and nothing was charged.
    until(lambda: not mailbox.copies())
    assert scene.rang() == set()
    assert scene.carrier.incoming == []


def test_a_message_is_played_again_and_deleted_for_good(scene: Scene, mailbox: Mailbox) -> None:
    number = mailbox.leave(1700)
    key = str(mailbox.row(number).store_key)
    call = listening(scene)
    until(lambda: toned(call.heard(), MENU) > 0.1)
    call.press("1")
    until(lambda: toned(call.heard(), 1700) > 1.5)
    call.press("3")
    assert call.result(PATIENCE).ended_by == "callee"
    row = mailbox.row(number)
    assert (row.state, row.deleted_at is not None) == (VoicemailState.DELETED, True)
    store = store_of(scene.installation.config)
    until(lambda: mailbox.row(number).store_key is None)
    with pytest.raises(NotStored):
        store.fetch(key, mailbox.folder / "gone")
    trail = scene.installation.bizpbx("audit", "list", "--noun", "voicemail", "--organisation", ACME, "--json")
    newest = json.loads(trail)[0]
    assert (newest["actor"], newest["name"], newest["after"]) == ("101-ip_phone", str(number), "deleted")
    until(lambda: not mailbox.copies())


@pytest.mark.thorough
def test_a_key_before_a_message_begins_deletes_nothing(scene: Scene, mailbox: Mailbox) -> None:
    number = mailbox.leave(1700)
    place = scene.installation.config.home / "store" / str(mailbox.row(number).store_key)
    recording = place.read_bytes()
    place.unlink()
    # A store that takes its time: it gives what is written here.
    os.mkfifo(place)
    call = listening(scene)
    with asked_for(place) as file:
        gevent.sleep(0.8)
        call.press("3")
        gevent.sleep(0.4)
        file.write(recording)
    until(lambda: toned(call.heard(), 1700) > 0.9)
    call.press("2")
    assert call.result(PATIENCE).ended_by == "callee"
    assert mailbox.row(number).state is VoicemailState.STORED


def asked_for(place: Path) -> BinaryIO:
    """Where to write what is read there, once somebody waits for it."""
    with gevent.Timeout(PATIENCE):
        while True:
            with suppress(OSError):
                return os.fdopen(os.open(place, os.O_WRONLY | os.O_NONBLOCK), "wb")
            gevent.sleep(0.02)


def test_who_hangs_up_in_the_middle_finds_the_message_new(scene: Scene, mailbox: Mailbox) -> None:
    number = mailbox.leave(1700, seconds=5.0)
    call = listening(scene)
    until(lambda: toned(call.heard(), 1700) > 0.3)
    call.hang_up()
    assert call.result(PATIENCE).ended_by == "caller"
    assert 0.3 < toned(call.heard(), 1700) < 4.0
    until(lambda: not mailbox.copies())
    assert mailbox.row(number).heard_at is None


def test_a_mailbox_is_the_calling_device_s_own(scene: Scene, mailbox: Mailbox) -> None:
    mailbox.leave(1700)
    for user, domain in (("102-ip_phone", ACME), ("101-ip_phone", BRAVO)):
        call = listening(scene, user, domain=domain)
        assert call.result(PATIENCE).ended_by == "callee"
        assert toned(call.heard(), EMPTY) > 0.1
        assert toned(call.heard(), 1700) == 0


def test_a_call_from_outside_never_reaches_it(scene: Scene, mailbox: Mailbox) -> None:
    mailbox.leave(1700)
    assert scene.from_outside("+6591112222", CODE).code == 404


def test_a_call_centre_extension_has_none(scene: Scene) -> None:
    scene.set("extension", "104", "no_answer=null", "type=call_center")
    assert scene.from_phone("104-ip_phone", CODE).code == 404


def test_a_recording_that_the_store_has_lost_is_said_and_stays_new(scene: Scene, mailbox: Mailbox) -> None:
    number = mailbox.leave(1700)
    store_of(scene.installation.config).delete(str(mailbox.row(number).store_key))
    call = listening(scene)
    assert call.result(PATIENCE).ended_by == "callee"
    assert toned(call.heard(), UNAVAILABLE) > 0.1
    assert mailbox.row(number).heard_at is None


def test_the_right_pin_opens_and_is_in_no_log_no_record_and_no_event(scene: Scene, mailbox: Mailbox) -> None:
    scene.set("extension", "101", f"no_answer.pin={PIN}")
    mailbox.leave(1700)
    folder = scene.installation.folder
    before = {path: path.stat().st_size for path in folder.rglob("*.log")}
    listener = subscribed(scene)
    call = listening(scene)
    until(lambda: toned(call.heard(), ENTER_PIN) > 0.1)
    call.press("97531#")
    until(lambda: toned(call.heard(), WRONG_PIN) > 0.1)
    call.press(f"{PIN}#")
    until(lambda: toned(call.heard(), 1700) > 0.9)
    call.press("2")
    assert call.result(PATIENCE).ended_by == "callee"
    told = heard(listener)
    assert "Event-Name: CHANNEL_HANGUP_COMPLETE" in told
    assert "Event-Name: DTMF" not in told
    files = [*folder.rglob("*.log"), *folder.rglob("*.cdr.xml")]
    # Calls before this one keyed in what may be logged.
    logged = [path.read_bytes()[before.get(path, 0) :] for path in files if is_ours(path, folder)]
    texts = [data.decode("utf-8", "replace") for data in logged]
    assert len(texts) >= 1
    for text in map(without_names, (told, *texts)):
        assert PIN not in text and "97531" not in text
        assert "RECV DTMF" not in text
    exported = scene.installation.bizpbx("export", "--organisation", ACME)
    assert PIN not in exported and "(stored PIN)" in exported


def test_a_hash_after_a_wrong_pin_of_full_length_is_no_part_of_the_next(scene: Scene, mailbox: Mailbox) -> None:
    scene.set("extension", "101", f"no_answer.pin={PIN}")
    mailbox.leave(1700)
    call = listening(scene)
    until(lambda: toned(call.heard(), ENTER_PIN) > 0.1)
    call.press(f"{PIN[::-1]}#")
    until(lambda: toned(call.heard(), WRONG_PIN) > 0.1)
    call.press(f"{PIN}#")
    until(lambda: toned(call.heard(), 1700) > 0.9)
    call.press("2")
    assert call.result(PATIENCE).ended_by == "callee"


def test_three_wrong_pins_end_the_call_and_are_counted(scene: Scene, mailbox: Mailbox) -> None:
    scene.set("extension", "101", f"no_answer.pin={PIN}")
    mailbox.leave(1700)
    call = listening(scene)
    for tries in range(3):
        until(lambda: toned(call.heard(), ENTER_PIN) + toned(call.heard(), WRONG_PIN) > 0.1 + 0.2 * tries)  # noqa: B023
        call.press("1111#")
    assert call.result(PATIENCE).ended_by == "callee"
    assert toned(call.heard(), REFUSED) > 0.1
    assert toned(call.heard(), 1700) == 0
    told = scene.installation.bizpbx("lockout", "list", "--json", "--organisation", ACME)
    assert [(row["extension"], row["of"], row["wrong"]) for row in json.loads(told)] == [("101", "pin", 3)]


@pytest.mark.thorough
def test_a_controller_that_dies_while_a_message_plays_is_replaced_by_one_that_goes_on(
    scene: Scene, mailbox: Mailbox
) -> None:
    scene.set("extension", "101", f"no_answer.pin={PIN}")
    first, second = scene.installation.controllers
    second.start()
    mailbox.leave(1700, ago=9)
    mailbox.leave(1900, ago=5, seconds=2.0)
    call = listening(scene)
    until(lambda: toned(call.heard(), ENTER_PIN) > 0.1)
    call.press(f"{PIN}#")
    until(lambda: toned(call.heard(), 1700) > 0.9)
    call.press("2")
    until(lambda: toned(call.heard(), 1900) > 0.5)
    first.kill()
    # The next controller counts again, and begins with the message that was not heard to its end.
    until(lambda: toned(call.heard(), 1900) > 2.4)
    call.press("2")
    assert call.result(PATIENCE).ended_by == "callee"
    assert abs(toned(call.heard(), ENTER_PIN) - 0.2) < 0.1


@pytest.mark.thorough
def test_without_any_controller_the_call_ends(scene: Scene, mailbox: Mailbox) -> None:
    number = mailbox.leave(1700, seconds=3.0)
    first = scene.installation.controllers[0]
    call = listening(scene)
    until(lambda: toned(call.heard(), 1700) > 0.3)
    first.kill()
    assert call.result(PATIENCE).ended_by == "callee"
    assert mailbox.row(number).heard_at is None


def test_what_would_happen_is_explained(scene: Scene) -> None:
    told = scene.installation.bizpbx("explain", "call", "--from", "101", "--to", CODE, "--organisation", ACME)
    assert "answer and play the voicemail of 101" in told
