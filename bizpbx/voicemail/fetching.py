"""Recordings out of the store: what comes is what was stored, or nothing comes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bizpbx.errors import Damaged, Refused
from bizpbx.voicemail.store import Store, Stored
from bizpbx.voicemail.store.files import synced


def fetch(store: Store, key: str, stored: Stored, to: Path) -> None:
    """Write a copy to this path, and compare it with what was stored. Raises StoreError, Damaged, NotStored."""
    found = store.fetch(key, to)
    if found != stored:
        to.unlink(missing_ok=True)
        raise Damaged(f"{store} has something else under {key} than what was stored; look for a copy of it.")


class Fetched:
    """A copy beside the path that it is to have, which nobody has seen yet."""

    def __init__(self, path: Path, to: Path) -> None:
        self._path = path
        self._to = to

    def place(self) -> None:
        """Give it its name, on the disk. Raises Refused if something has that name already."""
        try:
            os.link(self._path, self._to)
            synced(self._to.parent)
        except FileExistsError:
            raise _taken(self._to) from None
        except OSError as error:
            raise _unwritable(self._to, error) from None


@contextmanager
def fetched(store: Store, key: str, stored: Stored, to: Path) -> Iterator[Fetched]:
    """A copy that is compared, and becomes the file `to` when it is placed; else it is gone afterwards. No file is
    written over. Raises StoreError, Damaged, NotStored, Refused."""
    if to.exists() or to.is_symlink():
        raise _taken(to)
    try:
        folder = tempfile.TemporaryDirectory(prefix=".bizpbx-", dir=to.parent)
    except OSError as error:
        raise _unwritable(to, error) from None
    with folder as name:
        path = Path(name) / "recording.wav"
        fetch(store, key, stored, path)
        yield Fetched(path, to)


def _taken(to: Path) -> Refused:
    return Refused(f"{to} is there already, and is not written over. Take another name.")


def _unwritable(to: Path, error: OSError) -> Refused:
    return Refused(f"{to} cannot be written: {error.strerror or error}.")
