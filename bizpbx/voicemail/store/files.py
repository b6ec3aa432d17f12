"""Files that are there whole or not at all, and what they hold."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from bizpbx.voicemail.store import Stored

CHUNK = 256 * 1024


@contextmanager
def placed(to: Path, mode: int = 0o600) -> Iterator[BinaryIO]:
    """What is written into it is at this path afterwards, on the disk; after an exception nothing is."""
    handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=to.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        temporary.replace(to)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    synced(to.parent)


def synced(folder: Path) -> None:
    """Names in this folder survive a loss of power."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def copied(source: BinaryIO, to: BinaryIO) -> Stored:
    """Copy the rest of `source`; returns what it was."""
    digest, length = hashlib.sha256(), 0
    while chunk := source.read(CHUNK):
        to.write(chunk)
        digest.update(chunk)
        length += len(chunk)
    return Stored(digest.hexdigest(), length)


def content(path: Path) -> Stored:
    """What a file holds now. Raises OSError."""
    digest, length = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            length += len(chunk)
    return Stored(digest.hexdigest(), length)
