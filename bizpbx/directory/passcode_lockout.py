"""Wrong passcodes and PINs of an extension, counted across calls and restarts, and the locks they lead to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from bizpbx.directory.base import Base, UtcDateTime, within


class LockoutColumns:
    """`wrong`: when wrong ones were keyed in (ISO 8601, UTC), as far as they still count. `lockouts`: how often it was
    locked, for the time to double."""

    @declared_attr.directive
    def __table_args__(cls) -> tuple[object, ...]:  # noqa: N805 - a class, as SQLAlchemy has it
        return (within("extension_id", "extension", ondelete="CASCADE"),)

    organisation_id: Mapped[int] = mapped_column(primary_key=True)
    extension_id: Mapped[int] = mapped_column(primary_key=True)
    wrong: Mapped[list[str]] = mapped_column(JSON)
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lockouts: Mapped[int]
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PasscodeLockout(LockoutColumns, Base):
    """Of the passcode that is asked for before a call."""

    __tablename__ = "passcode_lockout"


class PinLockout(LockoutColumns, Base):
    """Of the PIN that is asked for before voicemail is heard."""

    __tablename__ = "pin_lockout"
