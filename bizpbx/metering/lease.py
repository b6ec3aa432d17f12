"""Time that was granted to a leg before it was dialled, what is reserved for it, and what it was charged."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, cast

from sqlalchemy import CheckConstraint, Index, String, Table, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from bizpbx.directory.base import Base, MinorUnits, Owned, UtcDateTime, choice, within
from bizpbx.metering.pricing import Rate

if TYPE_CHECKING:
    from bizpbx.directory.base import AnyRow


class LeaseState(StrEnum):
    OPEN = "open"
    SETTLED = "settled"
    """By the switch's record of the leg."""
    RELEASED = "released"
    """The leg was never answered."""
    PRESUMED = "presumed"
    """There was neither leg nor record: by what the switch said of the leg last, which may be nothing. A record that
    turns up corrects it."""


OPEN = text(f"state = '{LeaseState.OPEN}'")
NEW = text("new_country")


class Lease(Owned, Base):
    """One a charged leg, unique on switch and leg. `call` is the leg that the call came in on, `extension` the key that
    pays, `number` and `gateway` what is dialled. The zone and the rate are those of the moment it was taken; without
    `per_minute` the number had no rate.

    `granted_seconds` counts from the answer; null where nothing limits the extension. `renew_at`: when to look at it
    again, null where there is nothing to renew. `seen_at`: when its leg was last found talking. `new_country`: the
    guard counted it as a call to a destination that was new to the extension.
    """

    __tablename__ = "lease"
    __table_args__ = (
        UniqueConstraint("organisation_id", "id"),
        UniqueConstraint("switch", "leg"),
        CheckConstraint("granted_seconds > 0", name="granted"),
        CheckConstraint("(state = 'open') = (ended_at IS NULL)", name="ended"),
        Index("ix_lease_open", "organisation_id", "extension", sqlite_where=OPEN, postgresql_where=OPEN),
        # The country before the extension: open leases of an extension are found by their own index, not by this one.
        Index("ix_lease_country", "organisation_id", "country", "extension", "taken_at"),
        Index(
            "ix_lease_new_country",
            "organisation_id",
            "extension",
            "taken_at",
            sqlite_where=NEW,
            postgresql_where=NEW,
        ),
        Index("ix_lease_due", "switch", "renew_at", sqlite_where=OPEN, postgresql_where=OPEN),
    )

    switch: Mapped[str] = mapped_column(String(64))
    leg: Mapped[str] = mapped_column(String(64))
    call: Mapped[str] = mapped_column(String(64))
    extension: Mapped[str] = mapped_column(String(6))
    number: Mapped[str] = mapped_column(String(16))
    country: Mapped[str] = mapped_column(String(32))
    new_country: Mapped[bool] = mapped_column(default=False)
    gateway: Mapped[str] = mapped_column(String(320))
    zone: Mapped[str] = mapped_column(String(64))
    prefix: Mapped[str | None] = mapped_column(String(15))
    per_minute: Mapped[Decimal | None] = mapped_column(MinorUnits)
    connection_fee: Mapped[Decimal | None] = mapped_column(MinorUnits)
    first: Mapped[int | None]
    next: Mapped[int | None]
    granted_seconds: Mapped[int | None]
    state: Mapped[LeaseState] = mapped_column(choice(LeaseState), default=LeaseState.OPEN)
    taken_at: Mapped[datetime] = mapped_column(UtcDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    renew_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class LeaseGrant(Base):
    """What an open lease holds of a month. Around midnight of the 1st it holds of both. Gone when the lease ends."""

    __tablename__ = "lease_grant"
    __table_args__ = (within("lease_id", "lease"),)

    organisation_id: Mapped[int] = mapped_column(primary_key=True)
    lease_id: Mapped[int] = mapped_column(primary_key=True)
    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    seconds: Mapped[int]
    amount: Mapped[Decimal] = mapped_column(MinorUnits)


class Charge(Base):
    """What a leg used of a month: seconds of talk and minor units."""

    __tablename__ = "charge"
    __table_args__ = (
        within("lease_id", "lease"),
        Index(None, "organisation_id", "month", "extension"),
    )

    organisation_id: Mapped[int] = mapped_column(primary_key=True)
    lease_id: Mapped[int] = mapped_column(primary_key=True)
    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    extension: Mapped[str] = mapped_column(String(6))
    seconds: Mapped[int]
    amount: Mapped[Decimal] = mapped_column(MinorUnits)


# The ledger asks tables, not the object mapper: building and mapping take longer than the database does.
LEASES = cast("Table", Lease.__table__)
GRANTED = cast("Table", LeaseGrant.__table__)
CHARGES = cast("Table", Charge.__table__)

RATE = tuple(LEASES.c[name] for name in ("prefix", "per_minute", "connection_fee", "first", "next"))
"""Columns of the rate that a lease was taken at."""


def rate_of(row: AnyRow) -> Rate | None:
    """The rate in a row that has the columns RATE; None: the number had none."""
    if row.per_minute is None:
        return None
    return Rate(row.prefix, row.per_minute, row.connection_fee, row.first, row.next)
