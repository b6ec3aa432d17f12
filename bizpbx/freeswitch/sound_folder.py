"""The folder from which the switch plays what comes out of the store: messages, and recordings that are listened to.

Files are `<rate>/<name>.wav`, of which the switch takes the rate of the call, or `<name>.wav` for every rate. All of it
can be fetched again.
"""

from __future__ import annotations

import os
import re
import time
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bizpbx.errors import ConfigurationError
from bizpbx.prompts import RATES
from bizpbx.voicemail.store.files import synced

FOLDER_MODE: Final = 0o2750
FILE_MODE: Final = 0o640
"""The switch and the controller may be two users: they share the folder's group, and the switch reads only."""
SUFFIX: Final = ".wav"
COMING: Final = ".coming"

_PATH: Final = re.compile(r"/[A-Za-z0-9._/+-]+")
_NAME: Final = re.compile(r"[0-9a-f]{64}")


class SoundFolder:
    """Names are 64 hex digits, so that nothing from outside is in a path."""

    def __init__(self, folder: Path) -> None:
        """Raises ConfigurationError for a folder that cannot be written into a command to the switch."""
        if not _PATH.fullmatch(str(folder)):
            raise ConfigurationError(
                f"BIZPBX_SOUNDS must be an absolute path of letters, digits and . _ / + - only, not {folder}."
            )
        self.folder = folder

    def prepare(self) -> None:
        """Make the folders where they are missing. Raises OSError."""
        for folder in self._folders():
            if not folder.is_dir():
                folder.mkdir(parents=True, exist_ok=True)
                folder.chmod(FOLDER_MODE)

    def place(self, name: str, rate: int | None = None) -> Path:
        """Where the file is, of this rate or of none. The latter is what the switch is told to play of either kind."""
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a sound")
        return (self.folder if rate is None else self.folder / str(rate)) / f"{name}{SUFFIX}"

    def used(self, name: str) -> bool:
        """Whether there is anything that the switch can play; from now on it counts as used."""
        found = False
        for place in self._places(name):
            try:
                os.utime(place)
                found = True
            except FileNotFoundError:
                continue
            except OSError:
                # Another user's file on a folder that is shared: it can be played all the same.
                found = place.is_file() or found
        return found

    def whole(self, name: str) -> bool:
        """Whether a sound is there at every rate."""
        return all(self.place(name, rate).is_file() for rate in RATES)

    @contextmanager
    def coming(self, place: Path) -> Iterator[Path]:
        """Where to write a file that is to be at `place`: it is there when all of it is, and not at all after an
        exception. Raises OSError."""
        temporary = self.folder / f"{uuid.uuid4().hex}{COMING}"
        try:
            yield temporary
            temporary.chmod(FILE_MODE)
            temporary.replace(place)
            synced(place.parent)
        finally:
            temporary.unlink(missing_ok=True)

    def remove(self, name: str) -> None:
        """Take a sound away. One that is being played is played to its end. Raises OSError."""
        for place in self._places(name):
            place.unlink(missing_ok=True)

    def tidy(self, keep: Collection[str], unused_for: float, now: float | None = None) -> int:
        """Delete what is none of `keep` and was not used for so many seconds, and what was left behind half-way.
        Returns how many files. Raises OSError."""
        before = (time.time() if now is None else now) - unused_for
        removed = 0
        for folder in self._folders():
            with os.scandir(folder) as entries:
                for entry in entries:
                    name, ours = entry.name.removesuffix(SUFFIX), entry.name.endswith((SUFFIX, COMING, ".part"))
                    if ours and name not in keep and entry.is_file() and entry.stat().st_mtime < before:
                        Path(entry.path).unlink(missing_ok=True)
                        removed += 1
        return removed

    def _folders(self) -> tuple[Path, ...]:
        return (self.folder, *(self.folder / str(rate) for rate in RATES))

    def _places(self, name: str) -> tuple[Path, ...]:
        return (self.place(name), *(self.place(name, rate) for rate in RATES))
