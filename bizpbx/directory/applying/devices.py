"""Writing devices and the licences they hold: give seats back, change how many there are, then take seats."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, func, insert, select, update

from bizpbx.directory import documents, licence, schema
from bizpbx.directory.applying.work import Work, chunks
from bizpbx.directory.device import Device
from bizpbx.directory.licence import Licence
from bizpbx.directory.recording import Change, differences
from bizpbx.policy.settings import DeviceKind


def devices(work: Work, wanted: schema.Licences | None) -> None:
    """Bring devices and licences to what the file says; a device without a free licence becomes a problem."""
    ids, switched_off, switched_on, changed, gone = sort_out(work)
    release(work, switched_off)
    remove(work, gone)
    if changed:
        work.session.execute(update(Device), changed)
    seats(work, wanted)
    for some in chunks(switched_on):
        work.session.execute(
            update(Device)
            .where(Device.organisation_id == work.organisation_id, Device.id.in_(some))
            .values(active=True, activated_at=work.at)
        )
    if switched_on:
        without = licence.seat(work.session, work.organisation_id)
        for device_id, kind in without:
            key = ids[device_id]
            work.problem(
                work.path("extensions", key, f"devices.{kind}"),
                "no-free-licence",
                f"every {kind} licence is taken; add one to licences.{kind}, or deactivate another {kind}.",
            )


def sort_out(work: Work) -> tuple[dict[int, str], list[int], list[int], list[dict[str, Any]], list[int]]:
    """Add devices that are new. (device id → key, ids to deactivate, ids to activate, rows to update, ids to remove)"""
    plan = work.sections["extensions"]
    of = {work.ids["extensions"][key]: key for key in plan.touched}
    new = [
        {
            "organisation_id": work.organisation_id,
            "extension_id": extension_id,
            "kind": DeviceKind(kind),
            "active": False,
            "rings": kind in plan.after[key]["incoming"]["devices"],
            "tls": device["tls"],
        }
        for extension_id, key in of.items()
        for kind, device in plan.after[key]["devices"].items()
        if key not in plan.before or kind not in plan.before[key]["devices"]
    ]
    if new:
        work.session.execute(insert(Device), new)
    found: dict[int, str] = {}
    off: list[int] = []
    on: list[int] = []
    changed: list[dict[str, Any]] = []
    gone: list[int] = []
    columns = (Device.id, Device.extension_id, Device.kind, Device.active, Device.rings, Device.tls)
    query = select(*columns).where(Device.organisation_id == work.organisation_id).order_by(Device.id)
    for device_id, extension_id, kind, active, rings, tls in work.session.execute(query) if of else ():
        if extension_id not in of:
            continue
        found[device_id] = key = of[extension_id]
        wanted = plan.after[key]["devices"].get(kind)
        if wanted is None:
            gone.append(device_id)
            continue
        if active and not wanted["active"]:
            off.append(device_id)
        if wanted["active"] and not active:
            on.append(device_id)
        ringing = kind in plan.after[key]["incoming"]["devices"]
        if (rings, tls) != (ringing, wanted["tls"]):
            changed.append({"id": device_id, "rings": ringing, "tls": wanted["tls"]})
    return found, off, on, changed, gone


def release(work: Work, device_ids: list[int]) -> None:
    """Give the seats back and forget the credentials: an activation makes new ones."""
    for some in chunks(device_ids):
        work.session.execute(
            update(Licence)
            .where(Licence.organisation_id == work.organisation_id, Licence.device_id.in_(some))
            .values(device_id=None)
        )
        work.session.execute(
            update(Device)
            .where(Device.organisation_id == work.organisation_id, Device.id.in_(some))
            .values(active=False, ha1=None, activated_at=None)
        )


def remove(work: Work, device_ids: list[int]) -> None:
    release(work, device_ids)
    for some in chunks(device_ids):
        work.session.execute(delete(Device).where(Device.organisation_id == work.organisation_id, Device.id.in_(some)))


def of_extensions(work: Work, extension_ids: list[int]) -> list[int]:
    return [
        device_id
        for some in chunks(extension_ids)
        for device_id in work.session.scalars(
            select(Device.id).where(Device.organisation_id == work.organisation_id, Device.extension_id.in_(some))
        )
    ]


def seats(work: Work, wanted: schema.Licences | None) -> None:
    """Add seats, or take free ones away; never from under an activated device."""
    if wanted is None:
        return
    before = documents.licences(work.session, work.organisation_id)
    after = dict(before)
    for kind in DeviceKind:
        count: int | None = getattr(wanted, kind)
        if count is None and not work.prune:
            continue
        after[kind] = count or 0
        add = after[kind] - before[kind]
        if add > 0:
            rows = [{"organisation_id": work.organisation_id, "kind": kind}] * add
            work.session.execute(insert(Licence), rows)
        elif add < 0:
            take_away(work, kind, -add)
    work.changes += [Change("licence", c.field, "seats", c.before, c.after) for c in differences("", "", before, after)]


def take_away(work: Work, kind: DeviceKind, count: int) -> None:
    mine = (Licence.organisation_id == work.organisation_id, Licence.kind == kind)
    taken = work.session.scalar(select(func.count()).where(*mine, Licence.device_id.is_not(None)))
    free = work.session.scalars(
        select(Licence.id).where(*mine, Licence.device_id.is_(None)).order_by(Licence.id.desc())
    )
    going = free.all()[:count]
    if len(going) < count:
        sentence = f"{taken} {kind} devices are activated; deactivate some first, or keep {taken} licences."
        work.problem(f"licences.{kind}", "licences-in-use", sentence)
    for some in chunks(going):
        work.session.execute(delete(Licence).where(Licence.id.in_(some), Licence.device_id.is_(None)))
