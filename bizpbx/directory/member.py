"""A person with an account in the organisation."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bizpbx.directory.base import Base, Owned, choice


class MemberRole(StrEnum):
    """What a member may change in the organisation."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"


class Member(Owned, Base):
    """`email` is in lower case; `mobile` is E.164 and may be presented as caller ID."""

    __tablename__ = "member"
    __table_args__ = (UniqueConstraint("organisation_id", "id"), UniqueConstraint("organisation_id", "email"))

    email: Mapped[str] = mapped_column(String(254))
    name: Mapped[str] = mapped_column(String(64))
    role: Mapped[MemberRole] = mapped_column(choice(MemberRole))
    mobile: Mapped[str | None] = mapped_column(String(16))
