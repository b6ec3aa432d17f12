"""Writing extensions with their forward targets and VIP lists, in bulk."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import delete, insert

from bizpbx.directory import guard_limits, schema
from bizpbx.directory.applying import messages, passcodes, usage_limits
from bizpbx.directory.applying.simple import write
from bizpbx.directory.applying.work import Work, chunks
from bizpbx.directory.caller_id import AssignedCallerId
from bizpbx.directory.documents import Document
from bizpbx.directory.extension import ExtensionRole, ForwardTarget, VipEntry
from bizpbx.directory.sound import Greeting
from bizpbx.metering.guard_record import GuardCountry
from bizpbx.policy.settings import CallerIdMode, ExtensionType, NoAnswerAction, OnForward


def extensions(work: Work) -> None:
    """All rows first, then what refers from one to another."""
    plan = work.sections["extensions"]
    hashes = passcodes.new_hashes(work)
    write(work, "extensions", {key: row(work, plan.after[key]) for key in plan.touched})
    passcodes.write(work, hashes)
    remove_lists(work, [work.ids["extensions"][key] for key in plan.changed])
    targets, vips, assigned, greetings = [], [], [], []
    for key in plan.touched:
        forwarding = plan.after[key]["incoming"]["forwarding"]
        targets += targets_of(work, key, forwarding["extensions"])
        vips += vips_of(work, key, forwarding["vip"])
        assigned += assigned_to(work, key, plan.after[key]["caller_id"]["assigned"])
        greetings += greeting_of(work, key, plan.after[key])
    if targets:
        work.session.execute(insert(ForwardTarget), targets)
    if vips:
        work.session.execute(insert(VipEntry), vips)
    if assigned:
        work.session.execute(insert(AssignedCallerId), assigned)
    if greetings:
        work.session.execute(insert(Greeting), greetings)


def remove_lists(work: Work, extension_ids: list[int]) -> None:
    for table in (ForwardTarget, VipEntry, AssignedCallerId, Greeting):
        for some in chunks(extension_ids):
            work.session.execute(
                delete(table).where(table.organisation_id == work.organisation_id, table.extension_id.in_(some))
            )


def forget_allowances(work: Work, keys: Collection[str]) -> None:
    """What the guard was told to let through was meant for whoever had these keys, not for who has them next."""
    for some in chunks(keys):
        work.session.execute(
            delete(GuardCountry).where(
                GuardCountry.organisation_id == work.organisation_id, GuardCountry.extension.in_(some)
            )
        )


def row(work: Work, document: Document) -> dict[str, Any]:
    incoming, forwarding = document["incoming"], document["incoming"]["forwarding"]
    no_answer = document.get("no_answer") or schema.NoAnswer().model_dump()
    return {
        "key": document["key"],
        "label": document["label"],
        "type": ExtensionType(document["type"]),
        "role": ExtensionRole(document["role"]),
        "assignee_id": work.ids["members"].get(document["assignee"]),
        "do_not_disturb": incoming["do_not_disturb"],
        "gateway_id": work.ids["gateways"].get(incoming["gateway"]),
        "forwarding_enabled": forwarding["enabled"],
        "forwarding_number": forwarding["number"],
        "caller_id_mode": CallerIdMode(document["caller_id"]["mode"]),
        "caller_id_number": document["caller_id"]["number"],
        "on_forward": OnForward(document["caller_id"]["on_forward"]),
        "no_answer_action": NoAnswerAction(no_answer["action"]),
        "no_answer_wait": no_answer["wait"],
        "no_answer_number": no_answer["number"],
        "no_answer_emails": no_answer["emails"],
        "no_answer_longest": no_answer["longest"],
        "rule_id": work.ids["outbound_rules"].get(document["outbound_rule"]),
        **usage_limits.columns(work, document),
        **guard_limits.columns(document["guard"]),
    }


def targets_of(work: Work, key: str, targets: list[str]) -> list[dict[str, Any]]:
    ids = work.ids["extensions"]
    return [
        {
            "organisation_id": work.organisation_id,
            "extension_id": ids[key],
            "position": position,
            "target_id": ids[target],
        }
        for position, target in enumerate(targets)
    ]


def vips_of(work: Work, key: str, vips: list[str]) -> list[dict[str, Any]]:
    ids = work.ids["extensions"]
    return [
        {
            "organisation_id": work.organisation_id,
            "extension_id": ids[key],
            "position": position,
            "number": vip if vip.startswith("+") else None,
            "vip_id": None if vip.startswith("+") else ids[vip],
        }
        for position, vip in enumerate(vips)
    ]


def greeting_of(work: Work, key: str, document: Document) -> list[dict[str, Any]]:
    message = (document.get("no_answer") or {}).get("message")
    if message is None:
        return []
    return [
        {
            "organisation_id": work.organisation_id,
            "extension_id": work.ids["extensions"][key],
            "message": message,
            "sound": messages.sound(work, work.path("extensions", key, "no_answer.message"), message),
        }
    ]


def assigned_to(work: Work, key: str, numbers: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "organisation_id": work.organisation_id,
            "extension_id": work.ids["extensions"][key],
            "position": position,
            "number": number,
        }
        for position, number in enumerate(numbers)
    ]
