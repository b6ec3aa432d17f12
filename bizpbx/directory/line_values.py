"""From stored virtual lines to the values that calls are decided from, and to the settings file, and from that back."""

from __future__ import annotations

from typing import Any

from bizpbx.directory.line_records import LineRecord, StepRecord
from bizpbx.directory.virtual_line import StepKind
from bizpbx.policy.line import (
    WEEKDAYS,
    Action,
    ForwardTo,
    GatherDigit,
    HangUpStep,
    Hours,
    LineStep,
    PlayMessage,
    RecordMissedCall,
    RingExtensions,
    VirtualLine,
    clock,
    minutes,
)

Document = dict[str, Any]


def virtual_line(record: LineRecord) -> VirtualLine:
    steps = (LineStep(action(step), step.row.name, step.row.next) for step in record.steps)
    return VirtualLine(record.key, record.label, tuple(steps))


def action(step: StepRecord) -> Action:
    row = step.row
    match row.kind:
        case StepKind.PLAY:
            return PlayMessage(row.sound, row.answer)
        case StepKind.RING:
            return RingExtensions(tuple(step.targets), row.seconds)
        case StepKind.FORWARD:
            return ForwardTo(row.number or row.to_key, row.extension, row.seconds)
        case StepKind.GATHER:
            return GatherDigit(tuple(step.keys.items()), row.otherwise, row.seconds, row.tries, row.sound)
        case StepKind.HOURS:
            return Hours(frozenset(days(row.weekdays)), row.begins, row.ends, row.otherwise)
        case StepKind.MISSED_CALL:
            return RecordMissedCall(row.extension)
    return HangUpStep()


def document(record: LineRecord) -> Document:
    """As the settings file writes it."""
    return {"key": record.key, "label": record.label, "steps": [step_document(step) for step in record.steps]}


def step_document(step: StepRecord) -> Document:
    """Name, next and the one thing that it does."""
    row = step.row
    return {"name": row.name, "next": row.next, str(row.kind): _done(step)}


def _done(step: StepRecord) -> Document | bool:
    row = step.row
    match row.kind:
        case StepKind.PLAY:
            return {"message": row.message, "answer": row.answer}
        case StepKind.RING:
            return {"extensions": step.targets, "seconds": row.seconds}
        case StepKind.FORWARD:
            return {"to": row.number or row.to_key, "payer": row.extension, "seconds": row.seconds}
        case StepKind.GATHER:
            return {
                "keys": step.keys,
                "none": row.otherwise,
                "seconds": row.seconds,
                "tries": row.tries,
                "message": row.message,
            }
        case StepKind.HOURS:
            return {
                "days": [WEEKDAYS[day] for day in days(row.weekdays)],
                "begin": clock(row.begins),
                "end": clock(row.ends),
                "otherwise": row.otherwise,
            }
        case StepKind.MISSED_CALL:
            return {"extension": row.extension}
    return True


def completed(document: Document) -> Document:
    """A line of a file as it will be stored: steps with what they do alone, days and keys in their order."""
    return document | {"steps": [_completed(step) for step in document["steps"]]}


def _completed(step: Document) -> Document:
    kind = kind_of(step)
    done = step[kind]
    if isinstance(done, dict):
        done = dict(done)
        if done.get("message") is not None:
            done["message"] = {name: value for name, value in done["message"].items() if value is not None}
        if kind is StepKind.HOURS:
            done["days"] = [day for day in WEEKDAYS if day in done["days"]]
        if kind is StepKind.GATHER:
            done["keys"] = dict(sorted(done["keys"].items()))
    return {"name": step["name"], "next": step["next"], str(kind): done}


def kind_of(step: Document) -> StepKind:
    """What a step of a document does."""
    return next(kind for kind in StepKind if step.get(kind))


def columns(step: Document) -> Document:
    """What the row of a step says beside its references and its sound."""
    kind = kind_of(step)
    done: Document = step[kind] if isinstance(step[kind], dict) else {}
    number = done.get("to", "")
    return {
        "kind": kind,
        "name": step["name"],
        "next": step["next"],
        "seconds": done.get("seconds"),
        "tries": done.get("tries"),
        "answer": done.get("answer"),
        "number": number if number.startswith("+") else None,
        "otherwise": done.get("otherwise", done.get("none")),
        "weekdays": sum(1 << WEEKDAYS.index(day) for day in done["days"]) if "days" in done else None,
        "begins": minutes(done["begin"]) if "begin" in done else None,
        "ends": minutes(done["end"]) if "end" in done else None,
        "message": done.get("message"),
    }


def days(weekdays: int) -> tuple[int, ...]:
    """Weekdays, 0 is Monday, of a column in which each has a bit.

    >>> days(0b0100001)
    (0, 5)
    """
    return tuple(day for day in range(len(WEEKDAYS)) if weekdays >> day & 1)
