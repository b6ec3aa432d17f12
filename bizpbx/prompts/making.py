"""From a list of texts to prompt files, with espeak-ng."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import wave
from array import array
from dataclasses import dataclass
from pathlib import Path

import yaml

from bizpbx.errors import InvalidSettings, Refused
from bizpbx.policy.prompt import Prompt
from bizpbx.prompts import RATES
from bizpbx.prompts.sound import normalised, resampled, trimmed

WORDS_A_MINUTE = 150


@dataclass(frozen=True, slots=True)
class Texts:
    """A list: the voice that speaks it (`espeak-ng --voices`), and what each prompt says."""

    voice: str
    prompts: dict[str, str]


def read(path: Path) -> Texts:
    """Raises Refused if there is no such file, InvalidSettings if it is no list of prompts."""
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise Refused(f"Cannot read {path}: {error.strerror}.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidSettings([(str(path), "yaml", f"is no YAML: {str(error).splitlines()[0]}")]) from None
    prompts = data.get("prompts") if isinstance(data, dict) else None
    if not isinstance(prompts, dict) or not all(isinstance(text, str) and text.strip() for text in prompts.values()):
        raise InvalidSettings([("prompts", "missing", "must name each prompt with the text that it says.")])
    unknown = sorted(str(name) for name in prompts if name not in set(Prompt))
    if unknown:
        names = ", ".join(Prompt)
        raise InvalidSettings([(f"prompts.{name}", "unknown", f"is no prompt; there are {names}.") for name in unknown])
    return Texts(str(data.get("voice", "en")), prompts)


def make(texts: Texts, output: Path) -> list[Path]:
    """Write `<rate>/<name>.wav` for each text under `output`. Raises Refused if espeak-ng is missing or fails."""
    program = shutil.which("espeak-ng")
    if program is None:
        raise Refused("Making prompts needs espeak-ng; install it, or copy recordings of your own into the folder.")
    made = []
    for name, text in texts.prompts.items():
        rate, samples = spoken(program, texts.voice, text)
        samples = trimmed(samples, rate)
        for wanted in RATES:
            path = output / str(wanted) / f"{name}.wav"
            write(path, wanted, normalised(resampled(samples, rate, wanted)))
            made.append(path)
    return made


def spoken(program: str, voice: str, text: str) -> tuple[int, array[int]]:
    """Samples a second, and the samples."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spoken.wav"
        command = [program, "-v", voice, "-s", str(WORDS_A_MINUTE), "-w", str(path), "--stdin"]
        done = subprocess.run(command, input=text, text=True, capture_output=True, check=False)  # noqa: S603 - a list, no shell
        if done.returncode != 0 or not path.is_file():
            raise Refused(f"espeak-ng failed: {done.stderr.strip() or 'no file'}; is there a voice {voice!r}?")
        with wave.open(str(path)) as file:
            samples = array("h", file.readframes(file.getnframes()))
            rate = file.getframerate()
    if sys.byteorder == "big":
        samples.byteswap()
    return rate, samples


def write(path: Path, rate: int, samples: array[int]) -> None:
    """A mono WAV file of 16 bits, all of it or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if sys.byteorder == "big":
        samples = samples[:]
        samples.byteswap()
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as raw:
        with wave.open(raw) as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(samples.tobytes())
        raw.flush()
        os.fsync(raw.fileno())
    temporary.replace(path)
