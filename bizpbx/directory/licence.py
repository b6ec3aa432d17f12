"""Seats for devices, one row a seat. Activating a device takes a free seat of its kind."""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint, Index, Over, UniqueConstraint, func, select, update
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, aliased, mapped_column

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
    """Give every active device without a licence a free one of its kind; one statement, first come, first served.

    Returns (device id, kind) of those that got none. Of two transactions that want the last seat one takes it: the
    other waits, finds it taken, and its device is in the answer.
    """
    seats = (
        select(Licence.id, Licence.kind, row_number(Licence.kind, Licence.id).label("turn"))
        .where(Licence.organisation_id == organisation_id, Licence.device_id.is_(None))
        .subquery()
    )
    held = aliased(Licence)
    waiting = (
        select(Device.id, Device.kind, row_number(Device.kind, Device.id).label("turn"))
        .outerjoin(held, held.device_id == Device.id)
        .where(Device.organisation_id == organisation_id, Device.active, held.id.is_(None))
    )
    queue = waiting.subquery()
    pairs = (
        select(seats.c.id.label("seat_id"), queue.c.id.label("device_id"))
        .join(queue, (queue.c.kind == seats.c.kind) & (queue.c.turn == seats.c.turn))
        .subquery()
    )
    session.execute(
        update(Licence)
        .where(Licence.id == pairs.c.seat_id, Licence.device_id.is_(None))
        .values(device_id=pairs.c.device_id)
        .execution_options(synchronize_session=False)
    )
    return [(device_id, kind) for device_id, kind, _ in session.execute(waiting.order_by(Device.id))]


def row_number(kind: InstrumentedAttribute[DeviceKind], row_id: InstrumentedAttribute[int]) -> Over[int]:
    return func.row_number().over(partition_by=kind, order_by=row_id)
