"""Calls that nobody took: missed calls, and voicemails from before they are recorded until they are deleted.

Extensions are named by their keys, so that the row outlives them.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import cast

from sqlalchemy import Index, String, Table, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bizpbx.directory.base import Base, Owned, UtcDateTime, choice


class VoicemailState(StrEnum):
    RECORDING = "recording"
    """Entered, and about to be recorded, or being recorded."""
    RECORDED = "recorded"
    """The call is over. What was recorded is a file on the switch's disk."""
    STORED = "stored"
    """The store has it."""
    MISSED = "missed"
    """A missed call: nothing was recorded, or nothing of use; then `note` says why."""
    DELETED = "deleted"


class Note(StrEnum):
    """Why a recording is a missed call."""

    NOTHING_RECORDED = "nothing-recorded"
    EMPTY = "empty"
    SILENT = "silent"
    UNREADABLE = "unreadable"


class Voicemail(Owned, Base):
    """One call. The file on the switch is named after the call (freeswitch/media.py), the one in the store by
    `store_key`, which is null once it is erased. `longest` and `seconds` are seconds; `caller` is a key or an E.164
    number, null of a withheld caller. `next_look` is when a collector looks next; of one that is being collected, when
    others may take it for abandoned, and `claim` names who does it. Null: nothing is left to be done.
    """

    __tablename__ = "voicemail"
    __table_args__ = (
        UniqueConstraint("switch", "call"),
        Index(None, "organisation_id", "extension", "began"),
        Index(None, "next_look"),
    )

    extension: Mapped[str] = mapped_column(String(6))
    switch: Mapped[str] = mapped_column(String(64))
    call: Mapped[str] = mapped_column(String(64))
    caller: Mapped[str | None] = mapped_column(String(16))
    caller_name: Mapped[str] = mapped_column(String(64))
    began: Mapped[datetime] = mapped_column(UtcDateTime)
    """Of the recording; of a missed call that was not recorded, of the call."""
    state: Mapped[VoicemailState] = mapped_column(choice(VoicemailState))
    note: Mapped[Note | None] = mapped_column(choice(Note))
    longest: Mapped[int]
    seconds: Mapped[int | None]
    size: Mapped[int | None]
    """Bytes."""
    sha256: Mapped[str | None] = mapped_column(String(64))
    store_key: Mapped[str | None] = mapped_column(String(320))
    heard_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    tries: Mapped[int] = mapped_column(default=0)
    claim: Mapped[str | None] = mapped_column(String(36))
    next_look: Mapped[datetime | None] = mapped_column(UtcDateTime)


VOICEMAIL = cast("Table", Voicemail.__table__)
