"""Virtual lines as they are stored, each with its steps: two queries however many there are."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import CompoundSelect, String, bindparam, cast, literal, null, select, union_all
from sqlalchemy.orm import Session, aliased

from bizpbx.directory.extension import Extension
from bizpbx.directory.records import FEW
from bizpbx.directory.virtual_line import LineKey, LineStep, LineTarget, VirtualLine

if TYPE_CHECKING:
    from bizpbx.directory.base import AnyRow, AnySelect


@dataclass(slots=True)
class StepRecord:
    """`row`: the columns of the step, and `extension` (the key of its extension), `to_key` (of its line)."""

    row: AnyRow
    targets: list[str] = field(default_factory=list)
    """Keys of the extensions that ring."""
    keys: dict[str, str] = field(default_factory=dict)
    """Key that is pressed → name of a step, in order."""


@dataclass(slots=True)
class LineRecord:
    key: str
    label: str
    steps: list[StepRecord] = field(default_factory=list)


def lines(session: Session, organisation_id: int, keys: Collection[str] | None = None) -> list[LineRecord]:
    """The lines with these keys, or all of them, shorter keys first."""
    if keys is not None and len(keys) > FEW:
        return [record for record in lines(session, organisation_id) if record.key in keys]
    few = keys is not None
    ours = {"organisation_id": organisation_id}
    found: dict[int, LineRecord] = {}
    steps: dict[tuple[int, int], StepRecord] = {}
    for row in session.execute(step_query(few), {**ours, "keys": list(keys)} if keys is not None else ours):
        line = found.setdefault(row.line_id, LineRecord(row.key, row.label))
        steps[row.line_id, row.position] = StepRecord(row)
        line.steps.append(steps[row.line_id, row.position])
    if found:
        asked = {**ours, "line_ids": list(found)} if few else ours
        for line_id, position, _, text, leads_to in session.execute(children_query(few), asked):
            step = steps.get((line_id, position))
            if step is None:  # added since the first query
                continue
            if leads_to is None:
                step.targets.append(text)
            else:
                step.keys[text] = leads_to
    return sorted(found.values(), key=lambda record: (len(record.key), record.key))


@cache
def step_query(few: bool) -> AnySelect:
    """Parameters: organisation_id, and for few lines keys."""
    other = aliased(VirtualLine)
    query = (
        select(
            VirtualLine.key,
            VirtualLine.label,
            *LineStep.__table__.columns,
            Extension.key.label("extension"),
            other.key.label("to_key"),
        )
        .join(
            LineStep,
            (LineStep.organisation_id == VirtualLine.organisation_id) & (LineStep.line_id == VirtualLine.id),
        )
        .outerjoin(
            Extension,
            (Extension.organisation_id == LineStep.organisation_id) & (Extension.id == LineStep.extension_id),
        )
        .outerjoin(other, (other.organisation_id == LineStep.organisation_id) & (other.id == LineStep.to_line_id))
        .where(VirtualLine.organisation_id == bindparam("organisation_id"))
        .order_by(LineStep.line_id, LineStep.position)
    )
    return query.where(VirtualLine.key.in_(bindparam("keys", expanding=True))) if few else query


@cache
def children_query(few: bool) -> CompoundSelect[Any]:
    """Targets and keys in one query. Parameters: organisation_id, and for few lines line_ids."""

    def of_ours(query: AnySelect, table: type[LineTarget | LineKey]) -> AnySelect:
        query = query.where(table.organisation_id == bindparam("organisation_id"))
        return query.where(table.line_id.in_(bindparam("line_ids", expanding=True))) if few else query

    targets = select(
        LineTarget.line_id,
        LineTarget.step,
        LineTarget.position.label("place"),
        Extension.key.label("text"),
        cast(null(), String(32)),
    ).join(
        Extension,
        (Extension.organisation_id == LineTarget.organisation_id) & (Extension.id == LineTarget.extension_id),
    )
    keys = select(LineKey.line_id, LineKey.step, literal(0), LineKey.key, LineKey.leads_to)
    return union_all(of_ours(targets, LineTarget), of_ours(keys, LineKey)).order_by("place", "text")
