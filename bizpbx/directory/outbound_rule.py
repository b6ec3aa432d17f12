"""Which public numbers may be called, how they are dialled, and through which gateway."""

from __future__ import annotations

from sqlalchemy import JSON, CheckConstraint, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bizpbx.directory.base import Base, Owned, choice, within
from bizpbx.policy.settings import CountryAccess


class OutboundRule(Owned, Base):
    __tablename__ = "outbound_rule"
    __table_args__ = (
        UniqueConstraint("organisation_id", "id"),
        UniqueConstraint("organisation_id", "name"),
        within("gateway_id", "gateway"),
    )

    name: Mapped[str] = mapped_column(String(64))
    gateway_id: Mapped[int | None]


class FallbackGateway(Base):
    """Gateways that a rule's calls are tried through after its own has failed, in the order of `position`."""

    __tablename__ = "fallback_gateway"
    __table_args__ = (
        within("rule_id", "outbound_rule", ondelete="CASCADE"),
        within("gateway_id", "gateway"),
    )

    organisation_id: Mapped[int] = mapped_column(primary_key=True)
    rule_id: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    gateway_id: Mapped[int]


class DialPlanEntry(Base):
    """The first entry that matches is applied, once; `starts_with` is a list of leading digits."""

    __tablename__ = "dial_plan_entry"
    __table_args__ = (
        within("rule_id", "outbound_rule", ondelete="CASCADE"),
        CheckConstraint("strip BETWEEN 0 AND length", name="strip"),
    )

    organisation_id: Mapped[int] = mapped_column(primary_key=True)
    rule_id: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    starts_with: Mapped[list[str]] = mapped_column(JSON)
    length: Mapped[int]
    strip: Mapped[int]
    prepend: Mapped[str] = mapped_column(String(15))


class RuleCountry(Base):
    """A country, or a range apart, that may be called; one without a row may not."""

    __tablename__ = "rule_country"
    __table_args__ = (within("rule_id", "outbound_rule", ondelete="CASCADE"),)

    organisation_id: Mapped[int] = mapped_column(primary_key=True)
    rule_id: Mapped[int] = mapped_column(primary_key=True)
    country: Mapped[str] = mapped_column(String(32), primary_key=True)
    access: Mapped[CountryAccess] = mapped_column(choice(CountryAccess))


class CallerIdPlanEntry(Base):
    """What calls to a country present where the number after the country code starts with `prefix` (empty: all)."""

    __tablename__ = "caller_id_plan_entry"
    __table_args__ = (within("rule_id", "outbound_rule", ondelete="CASCADE"),)

    organisation_id: Mapped[int] = mapped_column(primary_key=True)
    rule_id: Mapped[int] = mapped_column(primary_key=True)
    country: Mapped[str] = mapped_column(String(32), primary_key=True)
    prefix: Mapped[str] = mapped_column(String(15), primary_key=True)
    caller_id: Mapped[str] = mapped_column(String(16))
