"""Announcements: their texts, the files made from them, and where the file of each is."""

from __future__ import annotations

import re
from pathlib import Path

from bizpbx.errors import ConfigurationError
from bizpbx.policy.prompt import Prompt

PACKAGE = Path(__file__).resolve().parent
SHIPPED = PACKAGE / "files"
TEXTS = PACKAGE / "texts"

RATES = (8000, 16000)
"""Samples a second. The switch takes the file that fits the call."""

FALLBACK = "en"

_FOLDER = re.compile(r"/[A-Za-z0-9._/+-]+")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?")


class Prompts:
    """Where the files of one language are: the operator's own, and for those that he does not have the shipped ones.

    Files are `<folder>/<language>/<rate>/<name>.wav`, or `<folder>/<language>/<name>.wav` for every rate.
    """

    def __init__(self, folder: Path | None = None, language: str = FALLBACK) -> None:
        """`folder` is the operator's. Raises ConfigurationError if it cannot be written into a command to the switch,
        or if there is no such language."""
        if not _LANGUAGE.fullmatch(language):
            raise ConfigurationError(f"BIZPBX_LANGUAGE must be a language such as en or pt-BR, not {language!r}.")
        for place in (folder, SHIPPED):
            if place is not None and not _FOLDER.fullmatch(str(place)):
                raise ConfigurationError(
                    f"BIZPBX_PROMPTS must be an absolute path of letters, digits and . _ / + - only, not {place}."
                )
        places = [place / language for place in (folder, SHIPPED) if place is not None]
        if not any(place.is_dir() for place in places):
            raise ConfigurationError(
                f"There are no prompts in the language {language} in BIZPBX_PROMPTS; make them with "
                "`bizpbx prompts make`, or take another BIZPBX_LANGUAGE."
            )
        self._places = tuple(dict.fromkeys((*places, SHIPPED / FALLBACK)))

    def path(self, prompt: Prompt) -> Path:
        """What the switch is told to play: the file without its rate, which FreeSWITCH puts in by itself.

        The operator's is looked for each time, so that a file put there is heard on the next call.
        """
        name = f"{prompt}.wav"
        for place in self._places:
            if (place / name).is_file() or any((place / str(rate) / name).is_file() for rate in RATES):
                return place / name
        raise ConfigurationError(f"The prompt {prompt} is missing from this installation of bizpbx; install it again.")
