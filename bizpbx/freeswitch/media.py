"""What a call's controller has the switch play and record: paths, as the switch reads and writes them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bizpbx.errors import ConfigurationError, InvalidText
from bizpbx.prompts import Prompts

_PATH: Final = re.compile(r"/[A-Za-z0-9._/+-]+")
_CALL: Final = re.compile(r"[A-Za-z0-9-]{1,64}")

Sound = Callable[[str, str], Path | None]
"""The file of a sound, by the domain of its organisation and its content id; None if it cannot be had."""


def no_sound(organisation: str, sound: str) -> Path | None:
    return None


@dataclass(frozen=True, slots=True)
class Media:
    """Raises ConfigurationError for a folder that cannot be written into a command to the switch."""

    prompts: Prompts
    recordings: Path
    """Folder on the switch."""
    sound: Sound = no_sound

    def __post_init__(self) -> None:
        if not _PATH.fullmatch(str(self.recordings)):
            raise ConfigurationError(
                "BIZPBX_RECORDINGS must be an absolute path of letters, digits and . _ / + - only, "
                f"not {self.recordings}."
            )

    def message(self, organisation: str, sound: str) -> Path | None:
        """The file of a message. Raises InvalidText for a path that cannot be written into a command."""
        path = self.sound(organisation, sound)
        return self.file(path) if path is not None else None

    def file(self, path: Path) -> Path:
        """A file that is to be played. Raises InvalidText for a path that cannot be written into a command."""
        if not _PATH.fullmatch(str(path)):
            raise InvalidText(f"{str(path)!r} cannot be part of a command to the switch.")
        return path

    def recording(self, call: str) -> Path:
        """Where the recording of a call goes. Raises InvalidText for what is not the name of a call."""
        return self.recordings / recording_name(call)


def recording_name(call: str) -> str:
    """The name of a recording: of the call alone, so that no text from outside is in it, and that another controller
    comes to the same. Raises InvalidText."""
    if not _CALL.fullmatch(call):
        raise InvalidText(f"{call!r} is not the name of a call.")
    return f"{call}.wav"
