"""Seats for devices, one row a seat. Activating a device takes a free seat of its kind."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint, bindparam, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from bizpbx.directory.base import Base, Owned, choice
from bizpbx.directory.device import Device
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


def counts(session: Session, organisation_id: int) -> dict[DeviceKind, tuple[int, int]]:
    """Kind → (seats, taken)."""
    query = (
        select(Licence.kind, func.count(), func.count(Licence.device_id))
        .where(Licence.organisation_id == organisation_id)
        .group_by(Licence.kind)
    )
    found = {kind: (seats, taken) for kind, seats, taken in session.execute(query)}
    return {kind: found.get(kind, (0, 0)) for kind in DeviceKind}


def seat(session: Session, organisation_id: int) -> list[tuple[int, DeviceKind]]:
    """Give every active device without a licence a free one of its kind; first come, first served.

    Returns (device id, kind) of those that got none. A seat is taken by a conditional UPDATE: of two transactions that
    want the last one, one takes it; the other waits, finds it taken, and its device is in the answer.
    """
    pairs = [
        {"seat": seat_id, "device": device_id}
        for kind, devices in grouped(waiting(session, organisation_id)).items()
        for seat_id, device_id in zip(free(session, organisation_id, kind, len(devices)), devices, strict=False)
    ]
    if not pairs:
        return waiting(session, organisation_id)
    table = Licence.__table__
    take = (
        update(Licence)
        .where(table.c.id == bindparam("seat"), table.c.device_id.is_(None))
        .values(device_id=bindparam("device"))
    )
    session.connection().execute(take, pairs)
    return waiting(session, organisation_id)


def waiting(session: Session, organisation_id: int) -> list[tuple[int, DeviceKind]]:
    """(id, kind) of the active devices without a licence."""
    query = (
        select(Device.id, Device.kind)
        .outerjoin(Licence, Licence.device_id == Device.id)
        .where(Device.organisation_id == organisation_id, Device.active, Licence.id.is_(None))
    )
    return [(device_id, kind) for device_id, kind in session.execute(query.order_by(Device.id))]


def free(session: Session, organisation_id: int, kind: DeviceKind, most: int) -> Sequence[int]:
    """Seats that nobody holds, nor is about to take."""
    return session.scalars(
        select(Licence.id)
        .where(Licence.organisation_id == organisation_id, Licence.kind == kind, Licence.device_id.is_(None))
        .order_by(Licence.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()


def grouped(devices: list[tuple[int, DeviceKind]]) -> dict[DeviceKind, list[int]]:
    found: dict[DeviceKind, list[int]] = {}
    for device_id, kind in devices:
        found.setdefault(kind, []).append(device_id)
    return found
