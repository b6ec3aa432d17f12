"""A number people dial inside, with its settings, its forward targets and its VIP list."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from sqlalchemy import JSON, CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bizpbx.directory.base import Base, MinorUnits, Owned, choice, within
from bizpbx.policy.settings import CallerIdMode, ExtensionType, NoAnswerAction, OnForward, UsageLimitKind


class ExtensionRole(StrEnum):
    """The assignee's role on the extension (product §2)."""

    ADMIN = "admin"
    MEMBER = "member"


class Extension(Owned, Base):
    """One row an extension. A call-centre extension keeps defaults in its no-answer columns and never acts on them.
    `passcode_hash` is argon2id's text; null means that the passcode is off. `usage_limit_value` is minutes, or minor
    units of the organisation's currency, a month; null where there is no limit. `guard_…`: -1 is no limit,
    null the organisation's. `no_answer_longest`: seconds. `pin_hash`: as `passcode_hash`, for hearing voicemail.
    """

    __tablename__ = "extension"
    __table_args__ = (
        UniqueConstraint("organisation_id", "id"),
        UniqueConstraint("organisation_id", "key"),
        within("assignee_id", "member"),
        within("gateway_id", "gateway"),
        within("rule_id", "outbound_rule"),
        CheckConstraint("no_answer_wait BETWEEN 5 AND 60", name="wait"),
        Index(None, "organisation_id", "assignee_id"),
    )

    key: Mapped[str] = mapped_column(String(6))
    label: Mapped[str] = mapped_column(String(64))
    type: Mapped[ExtensionType] = mapped_column(choice(ExtensionType))
    role: Mapped[ExtensionRole] = mapped_column(choice(ExtensionRole))
    assignee_id: Mapped[int | None]
    do_not_disturb: Mapped[bool]
    gateway_id: Mapped[int | None]
    forwarding_enabled: Mapped[bool]
    forwarding_number: Mapped[str | None] = mapped_column(String(16))
    caller_id_mode: Mapped[CallerIdMode] = mapped_column(choice(CallerIdMode), default=CallerIdMode.EXISTING)
    caller_id_number: Mapped[str | None] = mapped_column(String(16))
    on_forward: Mapped[OnForward] = mapped_column(choice(OnForward))
    no_answer_action: Mapped[NoAnswerAction] = mapped_column(choice(NoAnswerAction))
    no_answer_wait: Mapped[int]
    no_answer_number: Mapped[str | None] = mapped_column(String(16))
    no_answer_emails: Mapped[list[str]] = mapped_column(JSON, default=list)
    no_answer_longest: Mapped[int] = mapped_column(default=60)
    pin_hash: Mapped[str | None] = mapped_column(Text)
    rule_id: Mapped[int | None]
    passcode_hash: Mapped[str | None] = mapped_column(Text)
    usage_limit_kind: Mapped[UsageLimitKind] = mapped_column(choice(UsageLimitKind), default=UsageLimitKind.NONE)
    usage_limit_value: Mapped[Decimal | None] = mapped_column(MinorUnits)
    guard_concurrent_calls: Mapped[int | None]
    guard_new_country_calls: Mapped[int | None]


class ForwardTarget(Base):
    """An extension that rings when the owner's forwarding is on."""

    __tablename__ = "forward_target"
    __table_args__ = (
        within("extension_id", "extension", ondelete="CASCADE"),
        within("target_id", "extension"),
        UniqueConstraint("organisation_id", "target_id", "extension_id"),
        CheckConstraint("target_id <> extension_id", name="not_itself"),
    )

    organisation_id: Mapped[int] = mapped_column(primary_key=True)
    extension_id: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    target_id: Mapped[int]


class VipEntry(Base):
    """A caller who is never forwarded: a number (E.164) or an extension, one of the two."""

    __tablename__ = "vip_entry"
    __table_args__ = (
        within("extension_id", "extension", ondelete="CASCADE"),
        within("vip_id", "extension"),
        UniqueConstraint("organisation_id", "vip_id", "extension_id"),
        CheckConstraint("(number IS NULL) <> (vip_id IS NULL)", name="one_of_two"),
    )

    organisation_id: Mapped[int] = mapped_column(primary_key=True)
    extension_id: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str | None] = mapped_column(String(16))
    vip_id: Mapped[int | None]
