"""Wrong passcodes of an extension, counted across calls and restarts, and the lock they lead to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON
from sqlalchemy.orm import Mapped, mapped_column

from bizpbx.directory.base import Base, UtcDateTime, within


class PasscodeLockout(Base):
    """`wrong`: when wrong ones were keyed in (ISO 8601, UTC), as far as they still count. `lockouts`: how often the
    passcode was locked, for the time to double."""

    __tablename__ = "passcode_lockout"
    __table_args__ = (within("extension_id", "extension", ondelete="CASCADE"),)

    organisation_id: Mapped[int] = mapped_column(primary_key=True)
    extension_id: Mapped[int] = mapped_column(primary_key=True)
    wrong: Mapped[list[str]] = mapped_column(JSON)
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lockouts: Mapped[int]
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
