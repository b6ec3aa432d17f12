"""Fill in what the file wants and what is stored, section by section, as documents that can be compared."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from pydantic import BaseModel

from bizpbx.directory import documents, line_values, schema
from bizpbx.directory.applying import usage_limits
from bizpbx.directory.applying.work import NOUNS, Work
from bizpbx.directory.default_countries import default_countries
from bizpbx.directory.documents import Document
from bizpbx.errors import NotFound
from bizpbx.policy.settings import DeviceKind

NAME_FIELDS = {
    "members": "email",
    "gateways": "name",
    "outbound_rules": "name",
    "extensions": "key",
    "virtual_lines": "key",
    "numbers": "number",
}


def compare(work: Work, settings: schema.Settings, remove: Mapping[str, Collection[str]]) -> None:
    """Raises NotFound for a name in `remove` that is not there."""
    for name in NOUNS:
        work.load_ids(name)
        entries: Sequence[BaseModel] | None = getattr(settings, name)
        collect(work, name, entries, frozenset(remove.get(name, ())))
        plan = work.sections[name]
        wanted = plan.after.keys() | set(plan.removed)
        if wanted:
            plan.before = getattr(documents, name)(work.session, work.organisation_id, wanted)
        plan.after = {one: complete(work, name, document, plan.before.get(one)) for one, document in plan.after.items()}


def collect(work: Work, name: str, entries: Sequence[BaseModel] | None, remove: frozenset[str]) -> None:
    plan = work.sections[name]
    field = NAME_FIELDS[name]
    for position, entry in enumerate(entries or ()):
        document = entry.model_dump()
        if document[field] in plan.after:
            first = plan.positions[document[field]]
            work.problem(
                f"{name}[{position}].{field}",
                "duplicate",
                f"{document[field]} is there already, at {name}[{first}]; keep one.",
            )
            continue
        plan.after[document[field]] = document
        plan.positions[document[field]] = position
    for missing in sorted(remove - work.ids[name].keys()):
        raise NotFound(plan.noun, missing)
    if work.prune and entries is not None:
        remove |= work.ids[name].keys() - plan.after.keys()
    plan.removed = sorted(remove)


def complete(work: Work, section: str, document: Document, stored: Document | None) -> Document:
    """The document with nothing left open, as it will be stored."""
    if section == "outbound_rules":
        return complete_rule(document, stored)
    if section == "extensions":
        return complete_extension(work, document, stored["devices"] if stored and not work.prune else {})
    if section == "virtual_lines":
        return line_values.completed(document)
    return document


def complete_rule(document: Document, stored: Document | None) -> Document:
    """A rule that says nothing of countries keeps those it has; a new one is given the usual ones."""
    countries = document["countries"]
    if countries is None:
        countries = stored["countries"] if stored else dict.fromkeys(default_countries(), "allowed")
    plan = sorted(document["caller_id_plan"], key=lambda entry: (entry["country"], entry["prefix"]))
    return document | {"countries": dict(sorted(countries.items())), "caller_id_plan": plan}


def complete_extension(work: Work, document: Document, stored_devices: Document) -> Document:
    """Devices that are not in the file stay as they are; no list of incoming devices means all of them."""
    wanted = {kind: device for kind, device in document["devices"].items() if device is not None}
    devices = stored_devices | wanted
    order = [str(kind) for kind in DeviceKind]
    ringing = document["incoming"]["devices"]
    completed = document | {
        "devices": {kind: devices[kind] for kind in order if kind in devices},
        "incoming": document["incoming"]
        | {"devices": [kind for kind in order if kind in (devices if ringing is None else ringing)]},
    }
    if document["type"] == "call_center":
        del completed["usage_limit"], completed["no_answer"]
        return completed
    completed["usage_limit"] = usage_limits.complete(work, document["key"], document)
    no_answer = document["no_answer"] or schema.NoAnswer().model_dump()
    completed["no_answer"] = no_answer | {"message": without_none(no_answer["message"])}
    return completed


def without_none(message: Document | None) -> Document | None:
    """A message as it is stored: one of its two kinds."""
    return None if message is None else {kind: value for kind, value in message.items() if value is not None}
