"""Recordings as sound: whether there is anything on them, and the form in which they are mailed."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile

from bizpbx.voicemail.record import Note

WINDOW: Final = 0.02
"""Seconds over which loudness is taken."""
QUIET: Final = 100
"""Mean of the samples' amounts, of 32767, below which a window is silence; freeswitch/session.py has the same."""
WORD: Final = 0.2
"""Seconds of sound below which nothing was said: a click, a breath, the receiver that is put down."""

MP3: Final = ("audio/mpeg", "mp3")
WAV: Final = ("audio/wav", "wav")


class Unusable(Exception):
    """A recording is of no use to anybody; `note` says why."""

    def __init__(self, note: Note) -> None:
        super().__init__(note)
        self.note = note


@dataclass(frozen=True, slots=True)
class Mailed:
    """A recording as it is attached."""

    kind: str
    suffix: str
    content: bytes


def examined(path: Path, longest: int) -> int:
    """Decode the whole of a recording, and cut it off after `longest` seconds: the switch counts whole seconds of its
    clock and may take one more. Returns its length in seconds, rounded. Raises Unusable, OSError."""
    if path.stat().st_size == 0:
        raise Unusable(Note.EMPTY)
    samples, rate = _decoded(path)
    if len(samples) == 0:
        raise Unusable(Note.EMPTY)
    window = max(1, round(rate * WINDOW))
    whole = samples[: len(samples) // window * window].reshape(-1, window)
    loud = np.abs(whole.astype(np.int32)).mean(axis=1) >= QUIET
    if loud.sum() * WINDOW < WORD:
        raise Unusable(Note.SILENT)
    if len(samples) > longest * rate:
        samples = samples[: longest * rate]
        _replace(path, samples, rate)
    return max(1, round(len(samples) / rate))


def mailed(path: Path) -> Mailed:
    """A recording as MP3, or as it is where this machine cannot make one. Raises OSError, soundfile.LibsndfileError."""
    samples, rate = soundfile.read(path, dtype="int16")
    if "MP3" not in soundfile.available_formats():
        return Mailed(*WAV, path.read_bytes())
    made = io.BytesIO()
    try:
        soundfile.write(made, samples, rate, format="MP3")
    except soundfile.LibsndfileError:
        # A rate that MP3 has not.
        return Mailed(*WAV, path.read_bytes())
    return Mailed(*MP3, made.getvalue())


def _decoded(path: Path) -> tuple[Any, int]:
    try:
        samples, rate = soundfile.read(path, dtype="int16", always_2d=True)
    except soundfile.LibsndfileError:
        raise Unusable(Note.UNREADABLE) from None
    return samples[:, 0], int(rate)


def _replace(path: Path, samples: Any, rate: int) -> None:
    shorter = path.with_suffix(".shorter")
    soundfile.write(shorter, samples, rate, format="WAV", subtype="PCM_16")
    shorter.replace(path)
