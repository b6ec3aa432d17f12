"""The numbers an extension may choose its caller ID from, and those that it has asked for."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bizpbx.directory.base import Base, Owned, UtcDateTime, choice, within


class RequestState(StrEnum):
    """`refused` is also what an approved number becomes when it is taken back."""

    PENDING = "pending"
    APPROVED = "approved"
    REFUSED = "refused"


class AssignedCallerId(Base):
    """A number (E.164) on the list that an admin gave to an extension."""

    __tablename__ = "assigned_caller_id"
    __table_args__ = (within("extension_id", "extension", ondelete="CASCADE"),)

    organisation_id: Mapped[int] = mapped_column(primary_key=True)
    extension_id: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(16))


class CallerIdRequest(Owned, Base):
    """A number (E.164) that was typed in, one row for each number of an extension. An approved one may be presented."""

    __tablename__ = "caller_id_request"
    __table_args__ = (
        within("extension_id", "extension", ondelete="CASCADE"),
        UniqueConstraint("organisation_id", "extension_id", "number"),
        CheckConstraint("(state = 'pending') = (decided_at IS NULL)", name="decided"),
    )

    extension_id: Mapped[int]
    number: Mapped[str] = mapped_column(String(16))
    state: Mapped[RequestState] = mapped_column(choice(RequestState))
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime)
    requested_by: Mapped[str] = mapped_column(String(64))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by: Mapped[str | None] = mapped_column(String(64))
