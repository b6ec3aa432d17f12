"""A SIP account outside the PBX: a carrier trunk or a customer's own PBX."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import JSON, CheckConstraint, String, UniqueConstraint, true
from sqlalchemy.orm import Mapped, mapped_column

from bizpbx.directory.base import Base, Owned, choice, within


class Transport(StrEnum):
    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


class Gateway(Owned, Base):
    """`password_encrypted` is a Fernet token; directory/secrets.py has the key."""

    __tablename__ = "gateway"
    __table_args__ = (
        UniqueConstraint("organisation_id", "id"),
        UniqueConstraint("organisation_id", "name"),
        CheckConstraint("port BETWEEN 1 AND 65535", name="port"),
        CheckConstraint("ping BETWEEN 5 AND 3600", name="ping"),
    )

    name: Mapped[str] = mapped_column(String(32))
    host: Mapped[str] = mapped_column(String(253), index=True)
    port: Mapped[int]
    transport: Mapped[Transport] = mapped_column(choice(Transport))
    username: Mapped[str | None] = mapped_column(String(64))
    password_encrypted: Mapped[str | None] = mapped_column(String(512))
    trunk: Mapped[bool]
    registers: Mapped[bool] = mapped_column(server_default=true())
    """With a user name: sign in there. Without this the account only answers challenges to calls."""
    ping: Mapped[int | None]
    """Seconds between two OPTIONS; null: none are sent."""
    addresses: Mapped[list[str]] = mapped_column(JSON, server_default="[]")
    """Addresses and networks that it calls from, beside `host`."""


class GatewayCalls(Base):
    """Of a gateway that calls out, as a customer's own PBX does: the rule its calls are under, and who pays for them.
    One without a row reaches the organisation's DIDs alone."""

    __tablename__ = "gateway_calls"
    __table_args__ = (
        within("gateway_id", "gateway", ondelete="CASCADE"),
        within("rule_id", "outbound_rule"),
        within("payer_id", "extension"),
    )

    organisation_id: Mapped[int] = mapped_column(primary_key=True)
    gateway_id: Mapped[int] = mapped_column(primary_key=True)
    rule_id: Mapped[int]
    payer_id: Mapped[int]
