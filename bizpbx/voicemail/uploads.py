"""Files that are uploaded as messages. They come from anybody, so only what has been decoded to its end is believed."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
import soundfile
import soxr

from bizpbx.directory.sound import SoundSource
from bizpbx.errors import NotPlayable
from bizpbx.voicemail.sounds import put
from bizpbx.voicemail.speech import Made
from bizpbx.voicemail.store import Store
from bizpbx.voicemail.transcoding import LONGEST, Inaudible, Transcoded, transcoded

MOST_BYTES: Final = 5 * 1024 * 1024

_BLOCK: Final = 65536
_RATE: Final = 16_000
"""What is decoded is brought to this rate at once: all that is kept of a long file with a high rate is 20 MB."""
_CUT_OFF: Final = 0.5
"""Seconds that may be missing of what a file says of its length."""


def upload(store: Store, domain: str, data: bytes, *, dry_run: bool = False) -> Made:
    """Put an MP3 file of an organisation into the store, as what calls play of it. Named by the SHA-256 of the file.
    With a dry run it is looked at alone. Raises NotPlayable, StoreError."""
    made = examined(data)
    digest = hashlib.sha256(data).hexdigest()
    if not dry_run:
        put(store, domain, digest, made.waves)
    return Made(digest, str(SoundSource.MP3), made.milliseconds)


def examined(data: bytes) -> Transcoded:
    """Decode an MP3 file to its end. Raises NotPlayable with what is wrong with it."""
    if len(data) > MOST_BYTES:
        raise NotPlayable(f"The file is larger than {MOST_BYTES // 1024 // 1024} MB; upload a shorter one.")
    if not data:
        raise NotPlayable("The file is empty.")
    with _quietly():
        samples = _decoded(data)
    try:
        return transcoded(samples, _RATE)
    except Inaudible:
        raise NotPlayable("There is nothing to be heard in the file.") from None


def _decoded(data: bytes) -> Any:
    if "MP3" not in soundfile.available_formats():
        raise NotPlayable("This machine cannot decode MP3: its libsndfile is older than 1.1. Install a newer one.")
    try:
        file = soundfile.SoundFile(io.BytesIO(data))
    except soundfile.LibsndfileError:
        raise NotPlayable("The file is no MP3 file, whatever its name says.") from None
    with file:
        if file.format != "MP3":
            raise NotPlayable(f"The file is no MP3 file but {file.format}; convert it to MP3.")
        stream = soxr.ResampleStream(file.samplerate, _RATE, 1, dtype="float32")
        parts: list[Any] = []
        read = 0
        try:
            # Not by `blocks`, which takes the length that the file says for the one that it has.
            while len(block := file.read(_BLOCK, dtype="float32", always_2d=True)):
                read += len(block)
                if read > LONGEST * file.samplerate:
                    raise NotPlayable(f"The file plays for more than {LONGEST // 60} minutes; shorten it.")
                parts.append(stream.resample_chunk(np.ascontiguousarray(block.mean(axis=1, dtype="float32"))))
        except soundfile.LibsndfileError:
            raise NotPlayable(
                f"The file is damaged {read / file.samplerate:.1f} s after its beginning; make it anew."
            ) from None
        if read < file.frames - _CUT_OFF * file.samplerate:
            raise NotPlayable(
                f"The file is cut off: it plays for {read / file.samplerate:.1f} s of the "
                f"{file.frames / file.samplerate:.1f} s that it says; upload the whole of it."
            )
    parts.append(stream.resample_chunk(np.zeros(0, dtype="float32"), last=True))
    samples = np.concatenate(parts)
    if not np.isfinite(samples).all():
        raise NotPlayable("The file is damaged; make it anew.")
    return samples


@contextmanager
def _quietly() -> Iterator[None]:
    """The decoder writes what it thinks of a file to stderr, past Python."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
