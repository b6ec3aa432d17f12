"""A DID: a purchased public number that leads to an extension or a virtual line."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bizpbx.directory.base import Base, Owned, within


class Number(Owned, Base):
    """`e164` is unique over all organisations: a call from a trunk finds its organisation by it."""

    __tablename__ = "number"
    __table_args__ = (
        within("extension_id", "extension"),
        within("line_id", "virtual_line"),
        CheckConstraint("extension_id IS NULL OR line_id IS NULL", name="one_place"),
        UniqueConstraint("e164"),
        Index(None, "organisation_id", "extension_id"),
    )

    e164: Mapped[str] = mapped_column(String(16))
    extension_id: Mapped[int | None]
    line_id: Mapped[int | None]
