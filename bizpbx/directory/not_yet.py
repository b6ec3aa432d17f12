"""Fields of the whole product's settings file that this version does not act on. They are refused, never dropped.

A value that switches such a field off is true already, so it is taken: a file written for the whole product applies
where those features are off.
"""

from __future__ import annotations

from collections.abc import Iterator

from bizpbx.directory.yaml_text import Value

Problem = tuple[str, str, str]

FIELDS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("members", "*"): ("pin", "password"),
    ("extensions", "*"): ("hot_desking", "debug_mode", "local_sip_server"),
}

NORMAL_ONLY = ("usage_limit", "no_answer")


def is_off(value: Value) -> bool:
    return (
        value is None or value is False or value in ("none", [], {}, {"kind": "none"}, {"kind": "none", "value": None})
    )


def take_out(data: Value) -> list[Problem]:
    """Remove from `data` what is off; tell of the rest."""
    problems: list[Problem] = []
    for path, section in places(data, ("extensions", "*")):
        if section.get("type") == "call_center":
            problems += [
                (f"{path}.{name}", "normal-only", "belongs to normal extensions; take it out, or set it to null.")
                for name in NORMAL_ONLY
                if name in section and not is_off(section[name])
            ]
            for name in NORMAL_ONLY:
                section.pop(name, None)
    for pattern, names in FIELDS.items():
        for path, section in places(data, pattern):
            for name in names:
                if name in section and not is_off(section.pop(name)):
                    where = f"{path}.{name}" if path else name
                    problems.append((where, "not-yet", f"{name} is not supported by this version; leave it out."))
    return problems


def places(data: Value, pattern: tuple[str, ...], path: str = "") -> Iterator[tuple[str, dict[str, Value]]]:
    """(path, mapping) of every mapping that the pattern leads to; `*` stands for each item of a list."""
    if not pattern:
        if isinstance(data, dict):
            yield path, data
    elif pattern[0] == "*":
        for position, item in enumerate(data if isinstance(data, list) else ()):
            yield from places(item, pattern[1:], f"{path}[{position}]")
    elif isinstance(data, dict) and pattern[0] in data:
        yield from places(data[pattern[0]], pattern[1:], f"{path}.{pattern[0]}" if path else pattern[0])
