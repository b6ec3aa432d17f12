"""Mails that wait, that have left, and that could not be delivered: one row a recipient."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from bizpbx.directory.base import Base, Owned, UtcDateTime, choice


class MailState(StrEnum):
    QUEUED = "queued"
    SENT = "sent"
    """The mail server took it."""
    DEAD = "dead"
    """The mail server refused it for good, or took nothing for days. `bizpbx mail resend` tries again."""


QUEUED = text(f"state = '{MailState.QUEUED}'")


class Mail(Owned, Base):
    """Written in the transaction of what it tells, so that neither is there without the other. `key` names that within
    the organisation: with the recipient it is unique, and the same is not told twice.

    `template` and `details` are kept rather than a text: a better template reaches what still waits. `next_try` is null
    once it has left or is dead; of one that is being sent, it is when others may take it for abandoned. `claim` names
    who sends it.
    """

    __tablename__ = "mail"
    __table_args__ = (
        UniqueConstraint("organisation_id", "key", "recipient"),
        Index("ix_mail_due", "next_try", sqlite_where=QUEUED, postgresql_where=QUEUED),
    )

    key: Mapped[str] = mapped_column(String(120))
    recipient: Mapped[str] = mapped_column(String(254))
    template: Mapped[str] = mapped_column(String(64))
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[MailState] = mapped_column(choice(MailState), default=MailState.QUEUED)
    tries: Mapped[int] = mapped_column(default=0)
    next_try: Mapped[datetime | None] = mapped_column(UtcDateTime)
    give_up_at: Mapped[datetime] = mapped_column(UtcDateTime)
    claim: Mapped[str | None] = mapped_column(String(36))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str | None] = mapped_column(String(300))
