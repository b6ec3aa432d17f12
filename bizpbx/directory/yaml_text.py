"""YAML from outside, read without its traps: no aliases, tags or duplicate keys, and words mean what they look like.

YAML 1.1 reads NO as false, 1:30 as 90 and 010 as 8; here booleans are true and false, integers are decimal, and
everything else is text, as in YAML 1.2. Built from parser events: nothing is expanded before it has been looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from bizpbx.errors import InvalidSettings
from bizpbx.validation import spelled

MOST_BYTES = 16 * 1024 * 1024
MOST_DEPTH = 20

INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,15})")
WORDS = {"null": None, "~": None, "": None, "true": True, "false": False}

Value = None | bool | int | str | list["Value"] | dict[str, "Value"]


def load(data: bytes) -> Value:
    """The one document in `data`. Raises InvalidSettings with one problem that names the line or the field."""
    if len(data) > MOST_BYTES:
        raise refused("", "too-large", f"is {len(data)} bytes long; at most {MOST_BYTES} are read.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise refused("", "not-utf-8", f"is not UTF-8 text (byte {error.start}); save the file as UTF-8.") from None
    events = yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    try:
        return document(events)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise refused("", "not-yaml", f"is not YAML: {error.problem or error.context}{where}.") from None
    except yaml.YAMLError as error:
        raise refused("", "not-yaml", f"is not YAML: {str(error).splitlines()[0]}.") from None


def document(events: Iterator[yaml.Event]) -> Value:
    value: Value = None
    seen = False
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            if seen:
                raise refused(
                    "", "several-documents", f"holds a second document ({line(event)}); write one file for each."
                )
            seen = True
            value = build(next(events), events, "", 0)
    return value


def build(event: yaml.Event, events: Iterator[yaml.Event], path: str, depth: int) -> Value:
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
        raise refused(path, "yaml-alias", f"uses an anchor or alias ({line(event)}); write the value out.")
    if getattr(event, "tag", None) not in (None, "!"):
        raise refused(path, "yaml-tag", f"uses a tag ({line(event)}); write the plain value.")
    if depth > MOST_DEPTH:
        raise refused("", "too-deep", f"is nested more than {MOST_DEPTH} levels deep ({line(event)}).")
    if isinstance(event, yaml.ScalarEvent):
        return scalar(event)
    if isinstance(event, yaml.SequenceStartEvent):
        items: list[Value] = []
        while not isinstance(inner := next(events), yaml.SequenceEndEvent):
            items.append(build(inner, events, f"{path}[{len(items)}]", depth + 1))
        return items
    mapping: dict[str, Value] = {}
    while not isinstance(inner := next(events), yaml.MappingEndEvent):
        key = build(inner, events, path, depth + 1)
        if isinstance(key, (list, dict)):
            raise refused(
                path, "not-a-name", f"has a list or mapping for a name ({line(inner)}); names are plain text."
            )
        # A name is text, whatever it looks like: `NO` and `100` are names.
        name = str(getattr(inner, "value", ""))
        where = f"{path}.{spelled(name)}" if path else spelled(name)
        if name in mapping:
            raise refused(where, "duplicate-key", f"is there twice (the second on {line(inner)}); keep one.")
        mapping[name] = build(next(events), events, where, depth + 1)
    return mapping


def scalar(event: yaml.ScalarEvent) -> Value:
    text = str(event.value)
    if event.style not in (None, ""):  # quoted, or a block: text
        return text
    if text in WORDS:
        return WORDS[text]
    return int(text) if INTEGER.fullmatch(text) else text


def line(event: yaml.Event) -> str:
    return f"line {event.start_mark.line + 1}" if event.start_mark else "unknown line"


def refused(path: str, code: str, sentence: str) -> InvalidSettings:
    return InvalidSettings([(path or "file", code, sentence)])


class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc] # chosen at run time
    """Writes every value out: the reader takes no aliases."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def dump(value: object) -> str:
    """YAML that `load` reads back as the same value."""
    text: str = yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)
    return text
