"""What the guard against toll fraud keeps beside the leases: countries that an admin let through, and refused calls.

Extensions are named by their keys, as in the ledger.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from bizpbx.directory.base import Base, UtcDateTime


class GuardCountry(Base):
    """A destination that counts as called before by an extension, from this moment on."""

    __tablename__ = "guard_country"

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    extension: Mapped[str] = mapped_column(String(6), primary_key=True)
    country: Mapped[str] = mapped_column(String(32), primary_key=True)
    allowed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class GuardRefusal(Base):
    """Calls of an extension to a destination that were refused for one reason: a row however many there are, so that an
    attack does not fill the disk. It begins anew after a day without one. `number` is the one dialled last."""

    __tablename__ = "guard_refusal"

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    extension: Mapped[str] = mapped_column(String(6), primary_key=True)
    country: Mapped[str] = mapped_column(String(32), primary_key=True)
    reason: Mapped[str] = mapped_column(String(32), primary_key=True)
    """A `Denial` of bizpbx.metering.terms."""
    number: Mapped[str] = mapped_column(String(16))
    first_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime)
    times: Mapped[int]
