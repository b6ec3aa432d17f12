"""What a caller of the simulated switch hears and says: samples, made of the same files and tones as on FreeSWITCH."""

from __future__ import annotations

import math
import re
import wave
from array import array
from pathlib import Path
from typing import Final

from bizpbx.testbed.world import SAMPLE_RATE, Speech

UNREAD: Final = 1.0
"""Seconds that a file plays which is not there: the switch has its own, we have not."""

STRING: Final = "file_string://"

_TONE = re.compile(r"%\((\d+),(\d+),(\d+)\)")
_SILENCE = re.compile(r"silence_stream://(\d+)")
_LOUD: Final = 8000


def samples_of(name: str) -> array[int]:
    """What playing `name` sounds like: a WAV file, found at the call's rate as FreeSWITCH does, a tone or silence, or
    several of them one after the other."""
    if name.startswith(STRING):
        joined = array("h")
        for part in name.removeprefix(STRING).split("!"):
            joined.extend(samples_of(part))
        return joined
    if found := _SILENCE.match(name):
        return silence(int(found[1]) / 1000)
    if tones := _TONE.findall(name):
        joined = array("h")
        for on, off, frequency in tones:
            joined.extend(tone(int(frequency), int(on) / 1000) + silence(int(off) / 1000))
        return joined
    path = Path(name)
    for place in (path, path.parent / str(SAMPLE_RATE) / path.name):
        if place.is_file():
            return read(place)
    return silence(UNREAD)


def said(speech: Speech | None, seconds: float) -> array[int]:
    """What a recording of so many seconds holds that begins with the beep."""
    spoken = tone(speech.frequency, min(speech.seconds, seconds)) if speech is not None else array("h")
    return spoken + silence(seconds - len(spoken) / SAMPLE_RATE)


def silence(seconds: float) -> array[int]:
    return array("h", bytes(2 * max(0, round(seconds * SAMPLE_RATE))))


def tone(frequency: float, seconds: float) -> array[int]:
    step = 2 * math.pi * frequency / SAMPLE_RATE
    return array("h", (round(_LOUD * math.sin(step * n)) for n in range(round(seconds * SAMPLE_RATE))))


def read(path: Path) -> array[int]:
    with wave.open(str(path)) as file:
        samples = array("h", file.readframes(file.getnframes()))
        skip = max(1, file.getframerate() // SAMPLE_RATE)
    return samples[::skip]


def write(path: Path, samples: array[int]) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.tobytes())
