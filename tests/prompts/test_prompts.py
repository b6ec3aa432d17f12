"""The list of texts, the files that were made from it, and which of them the switch is told to play."""

from __future__ import annotations

import math
import shutil
import wave
from array import array
from pathlib import Path

import pytest

from bizpbx.errors import ConfigurationError, InvalidSettings
from bizpbx.policy.prompt import Prompt
from bizpbx.prompts import RATES, SHIPPED, TEXTS, Prompts, making
from bizpbx.prompts.sound import normalised, resampled, trimmed

ENGLISH = making.read(TEXTS / "en.yaml")


def tone(rate: int, frequency: float = 440.0, seconds: float = 0.2) -> array[int]:
    step = 2 * math.pi * frequency / rate
    return array("h", (round(10_000 * math.sin(step * n)) for n in range(int(rate * seconds))))


def test_every_prompt_has_a_text_and_every_text_is_of_a_prompt() -> None:
    assert set(ENGLISH.prompts) == set(Prompt)


@pytest.mark.parametrize("rate", RATES)
def test_every_prompt_has_a_file_and_every_file_is_of_a_prompt(rate: int) -> None:
    assert {path.name for path in (SHIPPED / "en" / str(rate)).iterdir()} == {f"{prompt}.wav" for prompt in Prompt}


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("prompt", Prompt)
def test_a_file_is_mono_speech_of_a_sane_length(prompt: Prompt, rate: int) -> None:
    with wave.open(str(SHIPPED / "en" / str(rate) / f"{prompt}.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, rate)
        seconds = file.getnframes() / rate
        samples = array("h", file.readframes(file.getnframes()))
    # Speech takes 9 to 20 letters a second. A word by itself is not shorter than half a second for that.
    assert len(ENGLISH.prompts[prompt]) / 20 < seconds < max(0.75, len(ENGLISH.prompts[prompt]) / 9)
    assert 15_000 < max(map(abs, samples)) < 30_000


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng on this machine")
def test_a_list_of_ones_own_is_spoken_into_files(tmp_path: Path) -> None:
    (tmp_path / "de.yaml").write_text("voice: de\nprompts: {lines_busy: Alle Leitungen sind belegt.}\n")
    made = making.make(making.read(tmp_path / "de.yaml"), tmp_path / "de")
    assert [path.relative_to(tmp_path).as_posix() for path in made] == [
        "de/8000/lines_busy.wav",
        "de/16000/lines_busy.wav",
    ]
    with wave.open(str(made[0])) as file:
        assert file.getnframes() > 4000


def test_a_text_for_a_prompt_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    (tmp_path / "de.yaml").write_text("prompts: {not_alowed: Nein.}\n")
    with pytest.raises(InvalidSettings, match=r"prompts.not_alowed: is no prompt"):
        making.read(tmp_path / "de.yaml")


def test_the_operators_files_come_first_and_ours_fill_the_gaps(tmp_path: Path) -> None:
    (tmp_path / "de" / "8000").mkdir(parents=True)
    (tmp_path / "de" / "8000" / "not_allowed.wav").write_bytes(b"")
    prompts = Prompts(tmp_path, "de")
    # The switch puts the rate in by itself.
    assert prompts.path(Prompt.NOT_ALLOWED) == tmp_path / "de" / "not_allowed.wav"
    assert prompts.path(Prompt.LINES_BUSY) == SHIPPED / "en" / "lines_busy.wav"
    (tmp_path / "de" / "lines_busy.wav").write_bytes(b"")
    assert prompts.path(Prompt.LINES_BUSY) == tmp_path / "de" / "lines_busy.wav"


@pytest.mark.parametrize(
    ("folder", "language"),
    [(None, "de"), (None, "../en"), (None, ""), ("/srv/my prompts", "en"), ("/srv/${x}", "en"), ("prompts", "en")],
)
def test_what_cannot_be_played_is_refused_at_the_start(folder: str | None, language: str) -> None:
    with pytest.raises(ConfigurationError):
        Prompts(Path(folder) if folder else None, language)


@pytest.mark.parametrize("rate", RATES)
def test_another_rate_is_the_same_sound(rate: int) -> None:
    found, wanted = resampled(tone(22050), 22050, rate), tone(rate)
    assert abs(len(found) - len(wanted)) <= 1
    middle = slice(len(wanted) // 4, len(wanted) // 2)
    assert max(abs(a - b) for a, b in zip(found[middle], wanted[middle], strict=True)) < 200


def test_what_a_lower_rate_cannot_hold_is_gone_and_does_not_fold_back() -> None:
    assert max(map(abs, resampled(tone(22050, 6000.0), 22050, 8000)[200:-200])) < 100


def test_silence_is_cut_off_and_loudness_made_even() -> None:
    silence = array("h", bytes(2 * 8000))
    cut = trimmed(silence + tone(8000) + silence, 8000)
    assert abs(len(cut) - (0.2 + 2 * 0.06) * 8000) < 20
    assert abs(max(normalised(cut)) - 0.7 * 32767) < 2
    assert normalised(trimmed(silence, 8000)) == silence
