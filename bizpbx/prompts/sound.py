"""Sound as 16-bit samples: another rate, silence off the ends, one loudness."""

from __future__ import annotations

import math
from array import array
from operator import mul

_TAPS = 48
"""Half the length of the filter, in samples of the lower rate."""

_QUIET = 200
"""Of 32767: below it is silence."""

_LOUDEST = 0.7
"""Of full scale: -3 dB, what telephone networks carry without clipping."""


def resampled(samples: array[int], rate: int, wanted: int) -> array[int]:
    """The same sound at another rate, by a windowed sinc filter (Blackman) below half of the lower rate."""
    if rate == wanted:
        return samples
    common = math.gcd(rate, wanted)
    up, down = wanted // common, rate // common
    cutoff = 0.92 * min(1.0, wanted / rate)
    half = math.ceil(_TAPS / cutoff)
    phases = [_filter(phase / up, half, cutoff) for phase in range(up)]
    padded = array("h", bytes(2 * half)) + samples + array("h", bytes(2 * (half + 1)))
    out = array("h")
    for position in range(len(samples) * up // down):
        whole, phase = divmod(position * down, up)
        value = sum(map(mul, padded[whole + 1 : whole + 2 * half + 1], phases[phase]))
        out.append(max(-32768, min(32767, round(value))))
    return out


def trimmed(samples: array[int], rate: int, margin: float = 0.06) -> array[int]:
    """Without the silence at both ends, but for `margin` seconds."""
    loud = [position for position, value in enumerate(samples) if abs(value) > _QUIET]
    if not loud:
        return samples
    keep = int(margin * rate)
    return samples[max(0, loud[0] - keep) : loud[-1] + keep]


def normalised(samples: array[int]) -> array[int]:
    """As loud as the telephone network takes it."""
    peak = max((abs(value) for value in samples), default=0)
    gain = _LOUDEST * 32767 / peak if peak else 1.0
    return array("h", (round(value * gain) for value in samples))


def _filter(fraction: float, half: int, cutoff: float) -> list[float]:
    """Weights of 2 * `half` samples round a point that lies `fraction` of a sample behind the middle one."""
    weights = []
    for tap in range(1 - half, half + 1):
        x = tap - fraction
        window = 0.42 + 0.5 * math.cos(math.pi * x / half) + 0.08 * math.cos(2 * math.pi * x / half)
        sinc = 1.0 if x == 0 else math.sin(math.pi * cutoff * x) / (math.pi * cutoff * x)
        weights.append(cutoff * sinc * window)
    total = sum(weights)
    return [weight / total for weight in weights]
