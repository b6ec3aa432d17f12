"""Sounds that callers hear of an organisation, and the greeting of an extension."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, ForeignKeyConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from bizpbx.directory.base import Base, UtcDateTime, choice, within


class SoundSource(StrEnum):
    """What a sound was made from, or by."""

    MP3 = "mp3"
    ESPEAK_NG = "espeak-ng"
    POLLY = "polly"


class Sound(Base):
    """`digest` names it: SHA-256 in hex, of the uploaded file, or of the text with all that shapes its sound. `speech`
    is that of a text which was spoken; null for an upload. The files are in the store (bizpbx/voicemail/sounds.py)."""

    __tablename__ = "sound"

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    source: Mapped[SoundSource] = mapped_column(choice(SoundSource))
    speech: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    milliseconds: Mapped[int]
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Greeting(Base):
    """What is played before the no-answer action of an extension: `message` as the settings file writes it, and the
    sound that was made of it, one of the same organisation."""

    __tablename__ = "greeting"
    __table_args__ = (
        within("extension_id", "extension", ondelete="CASCADE"),
        ForeignKeyConstraint(["organisation_id", "sound"], ["sound.organisation_id", "sound.digest"]),
    )

    organisation_id: Mapped[int] = mapped_column(primary_key=True)
    extension_id: Mapped[int] = mapped_column(primary_key=True)
    message: Mapped[dict[str, Any]] = mapped_column(JSON)
    sound: Mapped[str] = mapped_column(String(64))
