"""Sound as calls carry it: mono WAV of 16 bits at the rates of telephones, one loudness, no silence at its ends."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import soundfile
import soxr

from bizpbx.prompts import RATES

LONGEST: Final = 300
"""Seconds that callers may be kept listening."""
SHORTEST: Final = 0.1
"""Seconds of sound below which there is nothing to be heard."""

_PEAK: Final = 0.7
"""Of full scale: -3 dB, what telephone networks carry without clipping. The announcements have the same."""
_MOST_GAIN: Final = 10.0
"""20 dB: what is quieter than that stays quieter, or its noise would be what is heard."""
_QUIET: Final = 0.006
"""Of full scale: below it is silence."""
_MARGIN: Final = 0.06
"""Seconds of silence that are left at both ends."""


class Inaudible(Exception):
    """There is nothing to be heard."""


@dataclass(frozen=True, slots=True)
class Transcoded:
    """`waves`: samples a second → the WAV file."""

    milliseconds: int
    waves: dict[int, bytes]


def transcoded(samples: Any, rate: int) -> Transcoded:
    """From mono samples of -1 to 1. Raises Inaudible."""
    samples = trimmed(samples, rate)
    waves = {wanted: wave(normalised(soxr.resample(samples, rate, wanted)), wanted) for wanted in RATES}
    return Transcoded(round(len(samples) * 1000 / rate), waves)


def trimmed(samples: Any, rate: int) -> Any:
    """Without the silence at both ends. Raises Inaudible."""
    loud = np.flatnonzero(np.abs(samples) > _QUIET)
    if len(loud) < SHORTEST * rate:
        # Each wave of a sound passes through silence twice, so this asks for a little more than it says.
        raise Inaudible
    margin = round(_MARGIN * rate)
    return samples[max(0, loud[0] - margin) : loud[-1] + margin]


def normalised(samples: Any) -> Any:
    """As loud as the telephone network takes it."""
    return samples * min(_MOST_GAIN, _PEAK / float(np.abs(samples).max()))


def wave(samples: Any, rate: int) -> bytes:
    made = io.BytesIO()
    soundfile.write(made, samples, rate, format="WAV", subtype="PCM_16")
    return made.getvalue()
