"""What calls play is on the switch's disk: fetched from the store, whole and unaltered, or not there at all."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gevent
import pytest

from bizpbx.controller.copies import AGAIN, Copies
from bizpbx.controller.queries import Queries
from bizpbx.controller.sounds import UNUSED, Sounds
from bizpbx.directory.database import Database
from bizpbx.directory.lookup import SettingsReader
from bizpbx.errors import ConfigurationError, StoreError
from bizpbx.freeswitch.sound_folder import SoundFolder
from bizpbx.voicemail.sounds import list_key, place_name, put, wave_key
from bizpbx.voicemail.speaking import StoredSpeaker
from bizpbx.voicemail.speech import Speech
from bizpbx.voicemail.store import Store, Stored
from bizpbx.voicemail.store.folder import FolderStore
from bizpbx.voicemail.transcoding import transcoded
from tests.settings.samples import applied, example
from tests.voicemail.tones import frequency, read, tone

ACME, OTHER = "acme.example", "other.example"
DIGEST = "ab" * 32


@dataclass
class Slow:
    """A store that can be stopped, counts what it is asked for, and can be away."""

    store: Store
    open: threading.Event = field(default_factory=threading.Event)
    away: bool = False
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.open.set()

    def put(self, key: str, path: Path) -> Stored:
        return self.store.put(key, path)

    def fetch(self, key: str, to: Path) -> Stored:
        self.asked.append(key)
        assert self.open.wait(10)
        if self.away:
            raise StoreError("The store is away.")
        return self.store.fetch(key, to)

    def delete(self, key: str) -> None:
        self.store.delete(key)

    def check(self) -> None:
        self.store.check()


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Switch:
    """The folder beside a switch, and who fills it."""

    store: Slow
    folder: SoundFolder
    clock: Clock
    copies: Copies

    def files(self) -> set[str]:
        return {str(path.relative_to(self.folder.folder)) for path in self.folder.folder.rglob("*") if path.is_file()}


@pytest.fixture
def switch(store: Store, tmp_path: Path) -> Iterator[Switch]:
    folder = SoundFolder(tmp_path / "sounds")
    folder.prepare()
    slow, clock = Slow(store), Clock()
    copies = Copies(slow, folder, clock)
    yield Switch(slow, folder, clock, copies)
    slow.open.set()
    copies.stop()


def keep(store: Store, domain: str = ACME, hertz: float = 440.0, digest: str = DIGEST) -> None:
    put(store, domain, digest, transcoded(tone(hertz, 1.0, 16_000), 16_000).waves)


def heard(path: Path, rate: int) -> float:
    samples, found = read(path.parent / str(rate) / path.name)
    assert found == rate
    return frequency(samples, rate)


def test_a_message_is_fetched_once_at_both_rates_and_then_plays_without_the_store(switch: Switch) -> None:
    keep(switch.store)
    path = switch.copies.message(ACME, DIGEST)
    assert path is not None
    assert [round(heard(path, rate)) for rate in (8000, 16000)] == [440, 440]
    name = place_name(list_key(ACME, DIGEST))
    assert switch.files() == {f"8000/{name}.wav", f"16000/{name}.wav"}
    assert {file.stat().st_mode & 0o777 for file in path.parent.rglob("*.wav")} == {0o640}
    asked = len(switch.store.asked)
    switch.store.away = True
    assert switch.copies.message(ACME, DIGEST) == path
    assert len(switch.store.asked) == asked


def test_many_calls_at_once_are_one_fetch(switch: Switch) -> None:
    keep(switch.store)
    switch.store.open.clear()
    calls = [gevent.spawn(switch.copies.message, ACME, DIGEST) for _ in range(50)]
    gevent.sleep(0.05)
    switch.store.open.set()
    gevent.joinall(calls, timeout=10)
    assert all(call.value is not None for call in calls)
    assert len(switch.store.asked) == 3


def test_a_call_waits_for_a_moment_only_and_the_next_one_has_it(switch: Switch) -> None:
    keep(switch.store)
    switch.store.open.clear()
    began = time.monotonic()
    assert switch.copies.message(ACME, DIGEST, patience=0.2) is None
    assert 0.15 < time.monotonic() - began < 1.0
    switch.store.open.set()
    assert switch.copies.message(ACME, DIGEST, patience=5.0) is not None


def test_no_call_waits_for_a_store_that_is_known_to_be_away(switch: Switch) -> None:
    keep(switch.store)
    switch.store.away = True
    assert switch.copies.message(ACME, DIGEST) is None
    assert switch.copies.message(ACME, DIGEST) is None
    assert len(switch.store.asked) == 1
    switch.store.away = False
    switch.clock.now += AGAIN
    assert switch.copies.message(ACME, DIGEST) is not None


def test_what_was_altered_in_the_store_is_not_played(switch: Switch, tmp_path: Path) -> None:
    keep(switch.store)
    keep(switch.store, hertz=880.0, digest="cd" * 32)
    good = sorted(key for key in all_keys(switch, "cd" * 32))
    for key, other in zip(sorted(all_keys(switch, DIGEST)), good, strict=True):
        switch.store.fetch(other, tmp_path / "other")
        switch.store.put(key, tmp_path / "other")
    assert switch.copies.message(ACME, DIGEST) is None
    assert switch.files() == set()


def all_keys(switch: Switch, digest: str) -> list[str]:
    from bizpbx.voicemail.sounds import files

    path = switch.folder.folder.parent / "list"
    switch.store.fetch(list_key(ACME, digest), path)
    return [wave_key(ACME, sha256) for sha256 in files(path.read_bytes()).values()]


@pytest.mark.parametrize(
    "listed", [b"", b"{}", b"[]", b"\x80", b'{"8000": 1, "16000": 2}', b'{"8000": "../x", "16000": "y"}']
)
def test_a_list_that_is_damaged_leads_nowhere(listed: bytes, switch: Switch, tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(listed)
    switch.store.put(list_key(ACME, DIGEST), tmp_path / "list")
    assert switch.copies.message(ACME, DIGEST) is None
    assert switch.files() == set()


def test_a_sound_of_another_organisation_is_not_found(switch: Switch) -> None:
    keep(switch.store, OTHER)
    assert switch.copies.message(ACME, DIGEST) is None
    mine = switch.copies.message(OTHER, DIGEST)
    assert mine is not None
    # Also not by what is on the disk by now.
    switch.clock.now += AGAIN
    assert switch.copies.message(ACME, DIGEST) is None


def test_a_full_disk_leaves_nothing_half_done(switch: Switch, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(switch.store)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        assert switch.copies.message(ACME, DIGEST) is None
    assert switch.files() == set()


def test_a_recording_is_played_at_its_own_rate_and_forgotten(switch: Switch, tmp_path: Path) -> None:
    import soundfile

    soundfile.write(tmp_path / "recording.wav", tone(700.0, 1.0, 8_000), 8_000, subtype="PCM_16")
    key = f"{ACME}/voicemail/1.wav"
    kept = switch.store.put(key, tmp_path / "recording.wav")
    path = switch.copies.recording(key, kept.sha256)
    assert path is not None
    assert round(frequency(*read(path))) == 700
    switch.copies.forget(key)
    assert not path.exists()
    assert switch.copies.recording(key, "00" * 32) is None
    assert not path.exists()


def test_what_nobody_uses_is_deleted_and_what_is_used_stays(switch: Switch) -> None:
    keep(switch.store)
    keep(switch.store, digest="cd" * 32)
    kept = place_name(list_key(ACME, "cd" * 32))
    for digest in (DIGEST, "cd" * 32):
        assert switch.copies.message(ACME, digest) is not None
    (switch.folder.folder / "0123.coming").write_bytes(b"half of it")
    (switch.folder.folder / ".x.part").write_bytes(b"half of it")
    (switch.folder.folder / "README").write_text("somebody else's")
    now = time.time()
    assert switch.folder.tidy({kept}, UNUSED, now + UNUSED - 60) == 0
    # It was played a moment ago: a call may be about to play it again.
    assert switch.folder.tidy({kept}, UNUSED, now + UNUSED + 60) == 4
    assert switch.files() == {f"8000/{kept}.wav", f"16000/{kept}.wav", "README"}


@pytest.mark.parametrize("folder", ["sounds", "/a b", "/a;b", "/a'b", "/a${x}"])
def test_a_folder_that_cannot_be_told_to_the_switch_is_refused(folder: str) -> None:
    with pytest.raises(ConfigurationError, match="BIZPBX_SOUNDS must be an absolute path"):
        SoundFolder(Path(folder))


class Hums:
    """An engine that hums: the text is a number of Hz."""

    name = "espeak-ng"

    def check(self) -> str:
        return "hums"

    def voice(self, speech: Speech) -> str:
        return "hum"

    def samples(self, speech: Speech, voice: str) -> tuple[Any, int]:
        return tone(float(speech.text), 0.5, 16_000), 16_000


def greet(database: Database, store: Store, text: str | None) -> str | None:
    """Set or take away the greeting of 101; returns its sound as calls see it."""
    data = example()
    if text is not None:
        data["extensions"][1]["no_answer"] = {"message": {"tts": {"language": "en", "text": text}}}
    applied(database, data, speaker=lambda: StoredSpeaker(Hums(), store))
    with database.reading() as session:
        found = SettingsReader().tenant(session, ACME).extension("101")
    assert found is not None
    return found.no_answer.message


def test_a_greeting_is_on_the_disk_before_a_call_wants_it(switch: Switch, database: Database) -> None:
    sounds = Sounds(Queries(database), SettingsReader(), switch.folder, switch.copies)
    first = greet(database, switch.store, "440")
    sounds.look()
    assert first is not None
    switch.store.away = True
    path = sounds.message(ACME, first)
    assert path is not None and round(heard(path, 8000)) == 440

    second = greet(database, switch.store, "880")
    assert second is not None and second != first
    sounds.look()
    assert sounds.message(ACME, second) is None
    switch.store.away = False
    switch.clock.now += AGAIN
    sounds.look()
    path = sounds.message(ACME, second)
    assert path is not None and round(heard(path, 8000)) == 880


def test_a_greeting_that_was_taken_away_is_deleted_after_a_while(switch: Switch, database: Database) -> None:
    sounds = Sounds(Queries(database), SettingsReader(), switch.folder, switch.copies)
    greet(database, switch.store, "440")
    sounds.look()
    assert len(switch.files()) == 2
    greet(database, switch.store, None)
    sounds.look()
    sounds.tidy()
    assert len(switch.files()) == 2
    for file in switch.folder.folder.rglob("*.wav"):
        os.utime(file, (0, 0))
    sounds.tidy()
    assert switch.files() == set()


def test_files_that_somebody_deleted_are_fetched_again_by_the_call(switch: Switch, database: Database) -> None:
    sounds = Sounds(Queries(database), SettingsReader(), switch.folder, switch.copies)
    sound = greet(database, switch.store, "440")
    sounds.look()
    for file in switch.folder.folder.rglob("*.wav"):
        file.unlink()
    assert sound is not None and sounds.message(ACME, sound) is not None


def test_two_who_make_the_same_text_differently_leave_both_whole(database: Database, tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    keep(store, hertz=440.0)
    keep(store, hertz=441.0)
    folder = SoundFolder(tmp_path / "sounds")
    folder.prepare()
    copies = Copies(store, folder)
    path = copies.message(ACME, DIGEST)
    copies.stop()
    assert path is not None and heard(path, 16000) == pytest.approx(441.0, abs=1.5)
