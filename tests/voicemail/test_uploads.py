"""What may be uploaded as a message, what becomes of it, and what is refused in which words."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bizpbx.errors import NotPlayable, StoreError
from bizpbx.voicemail.sounds import files, list_key, wave_key
from bizpbx.voicemail.store import Store
from bizpbx.voicemail.transcoding import LONGEST
from bizpbx.voicemail.uploads import MOST_BYTES, examined, upload
from tests.voicemail.tones import encoded, frequency, read, tone

ACME = "acme.example"


def refused(data: bytes) -> str:
    with pytest.raises(NotPlayable) as wrong:
        examined(data)
    return str(wrong.value)


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_an_mp3_is_played_as_it_is_at_both_rates_of_calls(rate: int, channels: int) -> None:
    sound = tone(440.0, 2.0, rate)
    made = examined(encoded(np.stack([sound] * channels, axis=1), rate))
    assert abs(made.milliseconds - 2000) < 150
    assert set(made.waves) == {8000, 16000}
    for wanted, wave in made.waves.items():
        samples, found = read(wave)
        assert (found, samples.ndim, soundfile.info(wave_file(wave)).subtype) == (wanted, 1, "PCM_16")
        assert abs(frequency(samples, found) - 440.0) < 2.0
        assert abs(len(samples) / found - 2.0) < 0.15


def wave_file(wave: bytes) -> object:
    import io

    return io.BytesIO(wave)


@pytest.mark.parametrize("loud", [0.05, 0.3, 1.0])
def test_loud_and_quiet_files_are_heard_alike(loud: float) -> None:
    for wave in examined(encoded(tone(440.0, 1.0, loud=loud))).waves.values():
        assert 0.49 < float(np.abs(read(wave)[0]).max()) <= 0.71


def test_what_can_hardly_be_heard_is_not_made_a_roar() -> None:
    (samples, _), _ = (read(wave) for wave in examined(encoded(tone(440.0, 1.0, loud=0.01))).waves.values())
    assert float(np.abs(samples).max()) < 0.2


def test_silence_at_both_ends_is_taken_off() -> None:
    quiet = np.zeros(44_100 * 2, dtype=np.float32)
    assert abs(examined(encoded(np.concatenate([quiet, tone(440.0, 1.0), quiet]))).milliseconds - 1000) < 250


MP3 = encoded(tone(440.0, 4.0))
REFUSED = {
    "a text": (b"This is no sound at all, whatever its name says.\n" * 500, "no MP3 file, whatever its name says"),
    "nothing": (b"", "is empty"),
    "garbage": (os.urandom(100_000), "no MP3 file"),
    "zeros": (bytes(100_000), "no MP3 file"),
    "a head alone": (MP3[:200], "no MP3 file"),
    "a tag that has no end": (b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f" + MP3, "no MP3 file"),
    "a WAV file": (encoded(tone(440.0, 1.0), kind="WAV"), "no MP3 file but WAV"),
    "an Ogg file": (encoded(tone(440.0, 1.0), kind="OGG"), "no MP3 file but OGG"),
    "the half of a file": (MP3[: len(MP3) // 2], "is cut off: it plays for 1."),
    "a hole in the middle": (MP3[:8_000] + bytes(range(256)) * 16 + MP3[12_096:], "damaged"),
    "silence": (encoded(np.zeros(44_100, dtype=np.float32)), "nothing to be heard"),
    "too much": (bytes(MOST_BYTES + 1), "larger than 5 MB"),
}


@pytest.mark.parametrize(("data", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_whole_mp3_is_refused_in_a_sentence(
    data: bytes, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    sentence = refused(data)
    assert words in sentence and sentence.endswith(".")
    # The decoder has its own opinions of files, and tells nobody.
    assert capfd.readouterr() == ("", "")


def test_five_minutes_are_taken_and_more_is_not_decoded() -> None:
    assert abs(examined(encoded(tone(440.0, LONGEST - 0.5, 8_000), 8_000)).milliseconds / 1000 - LONGEST) < 1
    assert "more than 5 minutes" in refused(encoded(tone(440.0, LONGEST + 1.0, 8_000), 8_000))


BOMB = """
import resource, sys
from bizpbx.errors import NotPlayable, StoreError
from bizpbx.voicemail.uploads import examined
data = sys.stdin.buffer.read()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    examined(data)
except NotPlayable as refused:
    print(refused, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_file_of_hours_takes_neither_their_memory_nor_their_time() -> None:
    # Frames of 8 kbit/s with nothing in them, at 16 kHz: 5 MB of them play for an hour and a half, 200 MB as samples.
    frame = bytes([0xFF, 0xF3, 0x18, 0xC4]) + bytes(32)
    data = frame * (MOST_BYTES // len(frame))
    done = subprocess.run([sys.executable, "-c", BOMB], input=data, capture_output=True, timeout=60, check=True)
    words, _, kilobytes = done.stdout.decode().strip().rpartition(" ")
    assert "more than 5 minutes" in words
    assert int(kilobytes) < 100_000


def test_an_upload_is_named_by_its_file_and_belongs_to_its_organisation(store: Store, tmp_path: Path) -> None:
    made = upload(store, ACME, MP3)
    assert (made.digest, made.source) == (hashlib.sha256(MP3).hexdigest(), "mp3")
    store.fetch(list_key(ACME, made.digest), tmp_path / "list")
    for rate, sha256 in files((tmp_path / "list").read_bytes()).items():
        assert store.fetch(wave_key(ACME, sha256), tmp_path / "wave").sha256 == sha256
        samples, found = read(tmp_path / "wave")
        assert found == rate and abs(frequency(samples, rate) - 440.0) < 2.0


def test_a_dry_run_puts_nothing_into_the_store(tmp_path: Path) -> None:
    from bizpbx.voicemail.store.folder import FolderStore

    made = upload(FolderStore(tmp_path / "store"), ACME, MP3, dry_run=True)
    assert made.milliseconds > 3800
    assert not (tmp_path / "store").exists()


def test_a_disk_without_room_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bizpbx.voicemail.store.folder import FolderStore

    def full(path: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StoreError, match=r"A sound cannot be written to .*: No space left on device\."):
        upload(FolderStore(tmp_path / "store"), ACME, MP3)
    assert not (tmp_path / "store").exists()
