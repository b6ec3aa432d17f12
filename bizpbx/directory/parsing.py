"""From bytes, or plain data, to a checked settings file; every problem is told with its path, a code and a sentence."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bizpbx.directory import not_yet, yaml_text
from bizpbx.directory.schema import Settings
from bizpbx.errors import InvalidSettings
from bizpbx.validation import shown, spelled

MOST_PROBLEMS = 100

TYPES = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "list_type": "a list",
    "dict_type": "a mapping of names to values",
    "model_type": "a mapping of names to values",
    "model_attributes_type": "a mapping of names to values",
}


def parse(data: bytes) -> Settings:
    """The settings in a file's bytes. Raises InvalidSettings with all that is wrong in it."""
    return check(yaml_text.load(data))


def check(data: yaml_text.Value) -> Settings:
    """The same for data that is already read; fields that are off and not supported are taken out of it."""
    if not isinstance(data, dict):
        raise InvalidSettings([("file", "wrong-type", "must be a mapping that starts with `organisation:`.")])
    problems = not_yet.take_out(data)
    try:
        settings = Settings.model_validate(data)
    except ValidationError as error:
        problems += [problem(details) for details in error.errors(include_url=False)]
    if problems:
        raise InvalidSettings(shortened(problems))
    return settings


def problem(details: ErrorDetails) -> not_yet.Problem:
    code, sentence = told(details["type"], details.get("input"), details.get("ctx") or {}, details["msg"])
    return path(details["loc"]), code, sentence


def told(kind: str, value: object, context: dict[str, Any], message: str) -> tuple[str, str]:
    """Pydantic's error as one of our codes and a sentence that tells what to do."""
    if kind in TYPES:
        quotes = " Put it in quotes." if kind == "string_type" and isinstance(value, int) else ""
        return "wrong-type", f"must be {TYPES[kind]}, not {described(value)}.{quotes}"
    match kind:
        case "missing":
            return "missing", "is missing; write it."
        case "extra_forbidden":
            return "unknown-field", "is no field of the settings file; look for a spelling mistake, or take it out."
        case "literal_error":
            return "invalid-choice", f"must be {context['expected']}, not {described(value)}."
        case "greater_than_equal":
            return "out-of-range", f"must be {context['ge']} or more, not {described(value)}."
        case "less_than_equal":
            return "out-of-range", f"must be {context['le']} or less, not {described(value)}."
        case "too_short":
            return "out-of-range", f"must have {context['min_length']} entry or more."
        case "too_long":
            return "out-of-range", f"has more than {context['max_length']} entries; take some out."
        case "invalid-text" | "out-of-range" | "incomplete":
            return kind, message
    return "invalid", f"{message}."


def described(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case int():
            return shown(str(value)).strip("'")
        case str():
            return shown(value)
        case list():
            return "a list"
    return "a mapping"


def path(location: tuple[int | str, ...]) -> str:
    """`extensions[2].devices.ip_phone`"""
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part != "[key]":
            text += f".{spelled(part)}" if text else spelled(part)
    return text or "file"


def shortened(problems: list[not_yet.Problem]) -> list[not_yet.Problem]:
    if len(problems) <= MOST_PROBLEMS:
        return problems
    rest = len(problems) - MOST_PROBLEMS
    return [*problems[:MOST_PROBLEMS], ("file", "more", f"has {rest} more problems; mend these first.")]
