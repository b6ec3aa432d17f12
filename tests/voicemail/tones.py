"""Sounds that can be measured: made as files, and measured in what comes of them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import soundfile


def tone(frequency: float, seconds: float, rate: int = 44_100, loud: float = 0.3) -> Any:
    return (loud * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def encoded(samples: Any, rate: int = 44_100, kind: str = "MP3") -> bytes:
    made = io.BytesIO()
    soundfile.write(made, samples, rate, format=kind)
    return made.getvalue()


def read(source: bytes | Path) -> tuple[Any, int]:
    """Samples of -1 to 1, and how many a second."""
    return soundfile.read(io.BytesIO(source) if isinstance(source, bytes) else source, dtype="float32")


def frequency(samples: Any, rate: int) -> float:
    """Hz of the strongest tone."""
    return float(np.argmax(np.abs(np.fft.rfft(samples))) * rate / len(samples))
