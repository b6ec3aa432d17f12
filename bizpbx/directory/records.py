"""Extensions as they are stored, each with its child rows: two queries however many there are."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Boolean,
    CompoundSelect,
    String,
    bindparam,
    cast,
    func,
    literal,
    null,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import Session

from bizpbx.directory.caller_id import AssignedCallerId, CallerIdRequest, RequestState
from bizpbx.directory.device import Device
from bizpbx.directory.extension import Extension, ForwardTarget, VipEntry
from bizpbx.directory.licence import Licence
from bizpbx.directory.member import Member
from bizpbx.directory.number import Number
from bizpbx.directory.sound import Greeting
from bizpbx.policy.settings import DeviceKind

if TYPE_CHECKING:
    from bizpbx.directory.base import AnyRow, AnySelect

FEW = 500
"""More names than this in one IN list are slower than reading them all."""

KIND_ORDER = {kind: position for position, kind in enumerate(DeviceKind)}


@dataclass(slots=True)
class DeviceRecord:
    kind: DeviceKind
    active: bool
    rings: bool
    tls: bool
    ha1: str | None = field(repr=False)
    licensed: bool


@dataclass(slots=True)
class AssignedRecord:
    number: str
    owned: bool
    """It is one of the organisation's numbers."""


@dataclass(slots=True)
class ExtensionRecord:
    """`row`: the columns, and `assignee` (email), `mobile` (the assignee's), `owns_caller_id` (it is our DID),
    `greeting` (as the settings file writes it), `greeting_sound` (its digest)."""

    row: AnyRow
    targets: list[str] = field(default_factory=list)
    vips: list[str] = field(default_factory=list)
    """E.164 numbers and keys in the order they were written."""
    devices: list[DeviceRecord] = field(default_factory=list)
    assigned: list[AssignedRecord] = field(default_factory=list)
    approved: list[str] = field(default_factory=list)
    """Numbers that were asked for and approved, and are nobody else's."""


def extensions(session: Session, organisation_id: int, keys: Collection[str] | None = None) -> list[ExtensionRecord]:
    """The extensions with these keys, or all of them, shorter keys first."""
    if keys is not None and len(keys) > FEW:
        return [record for record in extensions(session, organisation_id) if record.row.key in keys]
    few = keys is not None
    ours = {"organisation_id": organisation_id}
    asked = {**ours, "keys": list(keys)} if keys is not None else ours
    found = {row.id: ExtensionRecord(row) for row in session.execute(extension_query(few), asked)}
    if found:
        add_children(session, found, children_query(few), {**ours, "extension_ids": list(found)} if few else ours)
    return sorted(found.values(), key=lambda record: (len(record.row.key), record.row.key))


# Building these takes SQLAlchemy several times as long as the database takes to answer: they are built once.


@cache
def extension_query(few: bool) -> AnySelect:
    """Parameters: organisation_id, and for few of them keys."""
    query = (
        select(
            *Extension.__table__.columns,
            Member.email.label("assignee"),
            Member.mobile,
            Number.id.is_not(None).label("owns_caller_id"),
            Greeting.message.label("greeting"),
            Greeting.sound.label("greeting_sound"),
        )
        .outerjoin(Member, (Member.organisation_id == Extension.organisation_id) & (Member.id == Extension.assignee_id))
        .outerjoin(
            Number, (Number.organisation_id == Extension.organisation_id) & (Number.e164 == Extension.caller_id_number)
        )
        .outerjoin(
            Greeting,
            (Greeting.organisation_id == Extension.organisation_id) & (Greeting.extension_id == Extension.id),
        )
        .where(Extension.organisation_id == bindparam("organisation_id"))
    )
    return query.where(Extension.key.in_(bindparam("keys", expanding=True))) if few else query


def add_children(
    session: Session, found: dict[int, ExtensionRecord], query: CompoundSelect[Any], asked: dict[str, Any]
) -> None:
    for what, extension_id, _, text, active, rings, tls, ha1, licensed in session.execute(query, asked):
        record = found.get(extension_id)
        if record is None:  # added since the first query
            continue
        if what == "target":
            record.targets.append(text)
        elif what == "vip":
            record.vips.append(text)
        elif what == "assigned":
            record.assigned.append(AssignedRecord(text, active))
        elif what == "approved":
            record.approved.append(text)
        else:
            record.devices.append(DeviceRecord(DeviceKind(text), active, rings, tls, ha1, licensed))
    for record in found.values():
        record.devices.sort(key=lambda device: KIND_ORDER[device.kind])


@cache
def children_query(few: bool) -> CompoundSelect[Any]:
    """Targets, VIPs, caller IDs and devices in one query. Parameters: organisation_id, and for few extension_ids."""
    no_flag = cast(null(), Boolean)
    nothing = (no_flag, no_flag, no_flag, cast(null(), String(32)), no_flag)

    def of_ours(
        query: AnySelect, table: type[ForwardTarget | VipEntry | Device | AssignedCallerId | CallerIdRequest]
    ) -> AnySelect:
        query = query.where(table.organisation_id == bindparam("organisation_id"))
        return query.where(table.extension_id.in_(bindparam("extension_ids", expanding=True))) if few else query

    def other(table: type[ForwardTarget | VipEntry], column: Any) -> Any:
        return (Extension.organisation_id == table.organisation_id) & (Extension.id == column)

    targets = select(
        literal("target"), ForwardTarget.extension_id, ForwardTarget.position.label("position"), Extension.key, *nothing
    ).join(Extension, other(ForwardTarget, ForwardTarget.target_id))
    vips = select(
        literal("vip"),
        VipEntry.extension_id,
        VipEntry.position,
        func.coalesce(VipEntry.number, Extension.key),
        *nothing,
    ).outerjoin(Extension, other(VipEntry, VipEntry.vip_id))
    devices = select(
        literal("device"),
        Device.extension_id,
        literal(0),
        type_coerce(Device.kind, String),
        Device.active,
        Device.rings,
        Device.tls,
        Device.ha1,
        Licence.id.is_not(None),
    ).outerjoin(Licence, Licence.device_id == Device.id)
    assigned = select(
        literal("assigned"),
        AssignedCallerId.extension_id,
        AssignedCallerId.position,
        AssignedCallerId.number,
        Number.id.is_not(None),
        *nothing[1:],
    ).outerjoin(
        Number,
        (Number.organisation_id == AssignedCallerId.organisation_id) & (Number.e164 == AssignedCallerId.number),
    )
    # Approved once, and somebody's DID by now: then it is theirs.
    approved = (
        select(literal("approved"), CallerIdRequest.extension_id, literal(0), CallerIdRequest.number, *nothing)
        .outerjoin(Number, Number.e164 == CallerIdRequest.number)
        .where(CallerIdRequest.state == RequestState.APPROVED, Number.id.is_(None))
    )
    return union_all(
        of_ours(targets, ForwardTarget),
        of_ours(vips, VipEntry),
        of_ours(assigned, AssignedCallerId),
        of_ours(approved, CallerIdRequest),
        of_ours(devices, Device),
    ).order_by("position")
