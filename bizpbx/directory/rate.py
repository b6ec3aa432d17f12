"""What calls cost: a row for each prefix and each moment from which another price counts."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from bizpbx.directory.base import Base, MinorUnits, UtcDateTime


class Rate(Base):
    """`prefix` is digits with the country code, `effective` when the price begins to count (1970: it always did).
    Amounts in minor units; `first` and `next` are seconds. Without `per_minute` the prefix has no price of its own any
    more, and a shorter one counts.
    """

    __tablename__ = "rate"
    __table_args__ = (
        CheckConstraint("first > 0 AND next > 0", name="increments"),
        CheckConstraint("per_minute >= 0 AND connection_fee >= 0", name="amounts"),
    )

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    prefix: Mapped[str] = mapped_column(String(15), primary_key=True)
    effective: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    per_minute: Mapped[Decimal | None] = mapped_column(MinorUnits)
    connection_fee: Mapped[Decimal] = mapped_column(MinorUnits)
    first: Mapped[int]
    next: Mapped[int]
