"""The folder that the switch records voicemails to: a file a call, until the store has it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

from bizpbx.freeswitch.media import recording_name

FOLDER_MODE: Final = 0o2770
"""The switch and the controller may be two users: they share the folder's group."""
SUFFIX: Final = ".wav"


class Recordings:
    """One folder. `failed/` keeps what cannot be read, for whoever wants to know why."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.failed = folder / "failed"

    def prepare(self) -> None:
        """Make the folders where they are missing. Raises OSError."""
        if not self.folder.is_dir():
            self.folder.mkdir(parents=True, exist_ok=True)
            self.folder.chmod(FOLDER_MODE)
        self.failed.mkdir(exist_ok=True)

    def path(self, call: str) -> Path:
        """The file of a call. Raises InvalidText."""
        return self.folder / recording_name(call)

    def calls(self) -> list[str]:
        """Calls that have a file. Raises OSError."""
        with os.scandir(self.folder) as entries:
            return [entry.name.removesuffix(SUFFIX) for entry in entries if entry.name.endswith(SUFFIX)]

    def remove(self, call: str) -> None:
        """Delete the file of a call, if there is one. Raises OSError."""
        self.path(call).unlink(missing_ok=True)

    def put_aside(self, call: str) -> None:
        """Keep a file that is of no use. Raises OSError."""
        with contextlib.suppress(FileNotFoundError):
            self.path(call).replace(self.failed / recording_name(call))
