"""The store in a folder: of one machine, or one that all controllers mount."""

from __future__ import annotations

import os
from pathlib import Path

from bizpbx.errors import NotStored, StoreError
from bizpbx.voicemail.store import Stored, checked
from bizpbx.voicemail.store.files import content, copied, placed, synced


class FolderStore:
    """Keys are paths below `root`, which nobody but our user can look into."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __str__(self) -> str:
        return str(self.root)

    def put(self, key: str, path: Path) -> Stored:
        place = self.root / checked(key)
        try:
            self._make(place.parent)
            with path.open("rb") as source, placed(place) as file:
                given = copied(source, file)
            found = content(place)
        except OSError as error:
            raise StoreError(f"{self} does not take {key}: {error.strerror or error}.") from None
        if found != given:
            raise StoreError(f"{self} holds something else under {key} than what was written; is the disk in order?")
        return found

    def fetch(self, key: str, to: Path) -> Stored:
        try:
            with (self.root / checked(key)).open("rb") as source, placed(to) as file:
                return copied(source, file)
        except FileNotFoundError as error:
            if not to.parent.is_dir() or not self.root.is_dir():
                raise StoreError(f"{self} does not give {key}: {error.strerror}.") from None
            raise NotStored(f"{self} has no {key}.") from None
        except OSError as error:
            raise StoreError(f"{self} does not give {key}: {error.strerror or error}.") from None

    def delete(self, key: str) -> None:
        place = self.root / checked(key)
        try:
            place.unlink(missing_ok=True)
            if place.parent.is_dir():
                synced(place.parent)
        except OSError as error:
            raise StoreError(f"{self} does not let go of {key}: {error.strerror or error}.") from None

    def check(self) -> None:
        try:
            self._make(self.root)
        except OSError as error:
            raise StoreError(f"{self} cannot be made: {error.strerror}. Make it, or set BIZPBX_STORE.") from None
        if not os.access(self.root, os.R_OK | os.W_OK | os.X_OK):
            raise StoreError(f"This user may not read and write {self}. Give it the folder, or set BIZPBX_STORE.")

    def _make(self, folder: Path) -> None:
        missing = [one for one in (folder, *folder.parents) if not one.exists()]
        for one in reversed(missing):
            one.mkdir(mode=0o700, exist_ok=True)
            synced(one.parent)
