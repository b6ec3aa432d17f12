"""The audit trail: who changed what, when, from what, to what. Rows are added, never changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from bizpbx.directory.base import Base, Owned, UtcDateTime


class Audit(Owned, Base):
    """`version` is the organisation's version that the change made. Secrets are never in `before` or `after`."""

    __tablename__ = "audit"
    __table_args__ = (Index(None, "organisation_id", "noun", "name"),)

    version: Mapped[int]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(64))
    noun: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(254))
    field: Mapped[str] = mapped_column(String(128))
    before: Mapped[Any] = mapped_column(JSON(none_as_null=True), nullable=True)
    after: Mapped[Any] = mapped_column(JSON(none_as_null=True), nullable=True)
