"""A virtual line: an ordered flow of steps that calls to its key, or to a DID that leads to it, go through."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bizpbx.directory.base import Base, Owned, choice, within


class StepKind(StrEnum):
    """What a step does: the field of the settings file that says so."""

    PLAY = "play"
    RING = "ring"
    FORWARD = "forward"
    GATHER = "gather"
    HOURS = "hours"
    MISSED_CALL = "missed_call"
    HANG_UP = "hang_up"


class VirtualLine(Owned, Base):
    """No extension of the organisation has the same key."""

    __tablename__ = "virtual_line"
    __table_args__ = (UniqueConstraint("organisation_id", "id"), UniqueConstraint("organisation_id", "key"))

    key: Mapped[str] = mapped_column(String(6))
    label: Mapped[str] = mapped_column(String(64))


class LineStep(Base):
    """One row a step; what its kind has no use for is null. Steps are referred to by their names, `end` is the end.

    `next`: where a call goes on after it, null: at the step that follows. `seconds`: of a ring, a forward, and for a
    key. `otherwise`: without a key that leads somewhere, and outside the hours. `number`: E.164, that is forwarded to
    unless `to_line_id` is. `extension_id`: that pays for it; that a missed call is kept for. `weekdays`: bit 0 is
    Monday. `begins`, `ends`: minutes of the day. `message` as the settings file writes it, `sound`: what was made of
    it.
    """

    __tablename__ = "line_step"
    __table_args__ = (
        within("line_id", "virtual_line", ondelete="CASCADE"),
        within("to_line_id", "virtual_line"),
        within("extension_id", "extension"),
        ForeignKeyConstraint(["organisation_id", "sound"], ["sound.organisation_id", "sound.digest"]),
        CheckConstraint("number IS NULL OR to_line_id IS NULL", name="one_place"),
        CheckConstraint("(message IS NULL) = (sound IS NULL)", name="sound_of_message"),
        CheckConstraint("kind <> 'ring' OR (seconds IS NOT NULL AND seconds BETWEEN 5 AND 60)", name="ring_time"),
        CheckConstraint(
            "kind <> 'hours' OR (weekdays BETWEEN 1 AND 127 AND begins BETWEEN 0 AND 1439 AND ends BETWEEN 0 AND 1440 "
            "AND begins <> ends)",
            name="hours",
        ),
        Index(None, "organisation_id", "extension_id"),
    )

    organisation_id: Mapped[int] = mapped_column(primary_key=True)
    line_id: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[StepKind] = mapped_column(choice(StepKind))
    name: Mapped[str | None] = mapped_column(String(32))
    next: Mapped[str | None] = mapped_column(String(32))
    seconds: Mapped[int | None]
    tries: Mapped[int | None]
    answer: Mapped[bool | None]
    number: Mapped[str | None] = mapped_column(String(16))
    to_line_id: Mapped[int | None]
    extension_id: Mapped[int | None]
    otherwise: Mapped[str | None] = mapped_column(String(32))
    weekdays: Mapped[int | None]
    begins: Mapped[int | None]
    ends: Mapped[int | None]
    message: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    sound: Mapped[str | None] = mapped_column(String(64))


def of_step() -> ForeignKeyConstraint:
    """A row that belongs to a step, and goes with it."""
    columns = ("organisation_id", "line_id", "position")
    return ForeignKeyConstraint(
        ["organisation_id", "line_id", "step"], [f"line_step.{column}" for column in columns], ondelete="CASCADE"
    )


class LineTarget(Base):
    """An extension that rings in a step, which is told by its position."""

    __tablename__ = "line_target"
    __table_args__ = (of_step(), within("extension_id", "extension"), Index(None, "organisation_id", "extension_id"))

    organisation_id: Mapped[int] = mapped_column(primary_key=True)
    line_id: Mapped[int] = mapped_column(primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    extension_id: Mapped[int]


class LineKey(Base):
    """A key that a caller may press in a step, and the name of the step that it leads to."""

    __tablename__ = "line_key"
    __table_args__ = (of_step(),)

    organisation_id: Mapped[int] = mapped_column(primary_key=True)
    line_id: Mapped[int] = mapped_column(primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(1), primary_key=True)
    leads_to: Mapped[str] = mapped_column(String(32))
