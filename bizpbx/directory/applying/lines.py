"""Writing virtual lines with their steps, in bulk."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, insert

from bizpbx.directory import line_values
from bizpbx.directory.applying import messages
from bizpbx.directory.applying.simple import write
from bizpbx.directory.applying.work import Work, chunks
from bizpbx.directory.documents import Document
from bizpbx.directory.virtual_line import LineKey, LineStep, LineTarget, StepKind

Rows = list[dict[str, Any]]


def lines(work: Work) -> None:
    """All lines first, then their steps, which refer from one to another."""
    plan = work.sections["virtual_lines"]
    write(work, "virtual_lines", {key: {"key": key, "label": plan.after[key]["label"]} for key in plan.touched})
    remove_steps(work, [work.ids["virtual_lines"][key] for key in plan.changed])
    steps: Rows = []
    targets: Rows = []
    keys: Rows = []
    for key in plan.touched:
        for position, step in enumerate(plan.after[key]["steps"]):
            place = {
                "organisation_id": work.organisation_id,
                "line_id": work.ids["virtual_lines"][key],
                "step": position,
            }
            steps.append(row(work, key, position, step))
            targets += [place | target for target in targets_of(work, step)]
            keys += [place | pressed for pressed in keys_of(step)]
    for table, rows in ((LineStep, steps), (LineTarget, targets), (LineKey, keys)):
        if rows:
            work.session.execute(insert(table), rows)


def remove_steps(work: Work, line_ids: list[int]) -> None:
    for table in (LineTarget, LineKey, LineStep):
        for some in chunks(line_ids):
            work.session.execute(
                delete(table).where(table.organisation_id == work.organisation_id, table.line_id.in_(some))
            )


def row(work: Work, key: str, position: int, step: Document) -> dict[str, Any]:
    kind = line_values.kind_of(step)
    done: Document = step[kind] if isinstance(step[kind], dict) else {}
    message = done.get("message")
    path = work.path("virtual_lines", key, f"steps[{position}].{kind}.message")
    extension = done.get("payer") if kind is StepKind.FORWARD else done.get("extension")
    return {
        "organisation_id": work.organisation_id,
        "line_id": work.ids["virtual_lines"][key],
        "position": position,
        **line_values.columns(step),
        "to_line_id": work.ids["virtual_lines"].get(done.get("to", "")),
        "extension_id": work.ids["extensions"][extension] if extension is not None else None,
        "sound": messages.sound(work, path, message) if message is not None else None,
    }


def targets_of(work: Work, step: Document) -> Rows:
    keys = step["ring"]["extensions"] if "ring" in step else []
    return [{"position": position, "extension_id": work.ids["extensions"][key]} for position, key in enumerate(keys)]


def keys_of(step: Document) -> Rows:
    keys = step["gather"]["keys"] if "gather" in step else {}
    return [{"key": key, "leads_to": place} for key, place in keys.items()]
