"""Seats for devices, one row a seat. Activating a device takes a free seat of its kind."""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bizpbx.directory.base import Base, Owned, choice
from bizpbx.policy.settings import DeviceKind


class Licence(Owned, Base):
    """`device_id` is the device that holds the seat; unique, so that a device holds one seat and a seat one device."""

    __tablename__ = "licence"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organisation_id", "device_id", "kind"], ["device.organisation_id", "device.id", "device.kind"]
        ),
        UniqueConstraint("device_id"),
        Index(None, "organisation_id", "kind", "device_id"),
    )

    kind: Mapped[DeviceKind] = mapped_column(choice(DeviceKind))
    device_id: Mapped[int | None]
