"""What the steps of a virtual line say of each other, and of what is stored: before, and once all is written."""

from __future__ import annotations

from itertools import islice

from sqlalchemy import select

from bizpbx.directory import line_records, line_values, lookup
from bizpbx.directory.applying import messages
from bizpbx.directory.applying.work import Work
from bizpbx.directory.documents import Document
from bizpbx.directory.extension import Extension
from bizpbx.directory.parsing import MOST_PROBLEMS
from bizpbx.directory.virtual_line import LineStep, StepKind, VirtualLine
from bizpbx.policy import line as flow
from bizpbx.policy.line_faults import faults
from bizpbx.policy.settings import ExtensionType


def check_keys(work: Work) -> None:
    """A key is that of one extension or one line."""
    for key in work.sections["virtual_lines"].after:
        if work.exists("extensions", key):
            sentence = f"{key} is the key of an extension; take another one."
            work.problem(work.path("virtual_lines", key, "key"), "duplicate", sentence)
    for key in work.sections["extensions"].after:
        if key not in work.sections["virtual_lines"].after and work.exists("virtual_lines", key):
            sentence = f"{key} is the key of a virtual line; take another one."
            work.problem(work.path("extensions", key, "key"), "duplicate", sentence)


def check_line(work: Work, key: str, document: Document) -> None:
    """What each step refers to is there."""
    steps = document["steps"]
    names: dict[str, int] = {}
    for position, step in enumerate(steps):
        path = work.path("virtual_lines", key, f"steps[{position}]")
        name = step["name"]
        if name is not None and name in names:
            sentence = f"{name} is the name of steps[{names[name]}] already; take another one."
            work.problem(f"{path}.name", "duplicate", sentence)
        elif name is not None:
            names[name] = position
    for position, step in enumerate(steps):
        path = work.path("virtual_lines", key, f"steps[{position}]")
        for field, place in places_of(step):
            if place is not None and place != flow.END and place not in names:
                sentence = f"there is no step {place} in this line; name one so, or write {flow.END}."
                work.problem(f"{path}.{field}", "unknown", sentence)
        check_references(work, path, step)


def places_of(step: Document) -> list[tuple[str, str | None]]:
    """(field, name of a step) of all that a step says of where it leads."""
    places = [("next", step["next"])]
    if "gather" in step:
        places += [(f"gather.keys.{pressed}", place) for pressed, place in step["gather"]["keys"].items()]
        places.append(("gather.none", step["gather"]["none"]))
    if "hours" in step:
        places.append(("hours.otherwise", step["hours"]["otherwise"]))
    return places


def check_references(work: Work, path: str, step: Document) -> None:
    kind = line_values.kind_of(step)
    done: Document = step[kind] if isinstance(step[kind], dict) else {}
    path = f"{path}.{kind}"
    if done.get("message") is not None:
        messages.sound(work, f"{path}.message", done["message"])
    match kind:
        case StepKind.RING:
            for position, extension in enumerate(done["extensions"]):
                where = f"{path}.extensions[{position}]"
                if extension in done["extensions"][:position]:
                    work.problem(where, "duplicate", f"{extension} is in the list already; keep one.")
                else:
                    work.refer(where, "extensions", extension)
        case StepKind.FORWARD:
            check_forward(work, path, step)
        case StepKind.MISSED_CALL:
            work.refer(f"{path}.extension", "extensions", done["extension"])


def check_forward(work: Work, path: str, step: Document) -> None:
    to, payer = step["forward"]["to"], step["forward"]["payer"]
    work.refer(f"{path}.payer", "extensions", payer)
    if to.startswith("+"):
        return
    if work.exists("extensions", to):
        work.problem(f"{path}.to", "unknown", f"{to} is an extension, and no virtual line; ring it in a step ring.")
        return
    work.refer(f"{path}.to", "virtual_lines", to)
    if step["next"] is not None:
        where = path.removesuffix("forward") + "next"
        work.problem(where, "incomplete", "comes after another line, from which no call comes back; take it out.")


def check_flow(work: Work) -> None:
    """Once all is written: no call goes round in a circle, somebody pays, and somebody is told of missed calls."""
    concerned = (work.sections[section] for section in ("virtual_lines", "numbers", "extensions"))
    if not any(plan.touched or plan.removed for plan in concerned):
        return
    going = frozenset(work.sections["virtual_lines"].removed)
    records = line_records.lines(work.session, work.organisation_id)
    lines = {record.key: line_values.virtual_line(record) for record in records if record.key not in going}
    if not lines:
        return
    gone = frozenset(work.sections["numbers"].removed)
    numbers = {
        number: key
        for number, key in work.session.execute(lookup.numbers_of(work.organisation_id))
        if number not in gone
    }
    found = faults(lines.values(), lambda called: lines.get(numbers.get(called) or called))
    for fault in islice(found, MOST_PROBLEMS + 1):
        path = work.path("virtual_lines", fault.node.line, f"steps[{fault.node.position}]")
        work.problem(path, fault.code, fault.sentence)
    for key, line in lines.items():
        for position, step in enumerate(line.steps):
            match step.action:
                case flow.ForwardTo(number, None) if number.startswith("+") and number not in numbers:
                    path = work.path("virtual_lines", key, f"steps[{position}].forward.payer")
                    sentence = f"is missing; a call to {number} is charged to an extension, whose rule allows it."
                    work.problem(path, "incomplete", sentence)
    check_mailboxes(work, going)


def check_mailboxes(work: Work, going: frozenset[str]) -> None:
    """Missed calls are kept for somebody who is told of them."""
    query = (
        select(VirtualLine.key, LineStep.position, Extension.key, Extension.type, Extension.no_answer_emails)
        .join(
            LineStep,
            (LineStep.organisation_id == VirtualLine.organisation_id) & (LineStep.line_id == VirtualLine.id),
        )
        .join(
            Extension,
            (Extension.organisation_id == LineStep.organisation_id) & (Extension.id == LineStep.extension_id),
        )
        .where(VirtualLine.organisation_id == work.organisation_id, LineStep.kind == StepKind.MISSED_CALL)
        .order_by(VirtualLine.key, LineStep.position)
    )
    for key, position, extension, kind, emails in work.session.execute(query):
        path = work.path("virtual_lines", key, f"steps[{position}].missed_call.extension")
        if key in going:
            continue
        if kind is not ExtensionType.NORMAL:
            work.problem(path, "normal-only", f"{extension} is a call_center, which is told of no missed calls.")
        elif not emails:
            work.problem(path, "incomplete", f"{extension} has no no_answer.emails to tell; give it some.")
