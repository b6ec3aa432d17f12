"""Messages: what speaks texts, and whether files can be uploaded. No call needs either; who sets a message does."""

from __future__ import annotations

from collections.abc import Iterator

from bizpbx.config import Config
from bizpbx.controller.doctor.finding import Finding, ok, warning
from bizpbx.errors import NotSpoken
from bizpbx.voicemail.speaking import engine_of


def examine(config: Config) -> Iterator[Finding]:
    try:
        yield ok("speech", engine_of(config).check())
    except NotSpoken as error:
        yield warning("speech", f"Texts cannot be spoken: {error}")
    import soundfile  # takes longer to import than most checks run

    if "MP3" not in soundfile.available_formats():
        yield warning("mp3", "MP3 files cannot be uploaded: libsndfile is older than 1.1. Install a newer one.")
