"""`field=value` pairs, put into a document by the paths and types of the settings file."""

from __future__ import annotations

import copy
import re
import types
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from bizpbx.errors import InvalidSettings

ITEM = re.compile(r"([a-z_]+)\[([0-9]{1,4})\]")
"""An item of a list, as paths write it: `steps[2]`."""
TRUE = ("true", "yes", "on")
FALSE = ("false", "no", "off")


def patched(document: dict[str, Any], pairs: list[str], model: type[BaseModel]) -> dict[str, Any]:
    """A copy of `document` with the pairs put in; the schema judges it later. Raises InvalidSettings for a bad pair."""
    result = copy.deepcopy(document)
    for pair in pairs:
        path, separator, text = pair.partition("=")
        if not separator or not all(path.split(".")):
            raise InvalidSettings([(path or "field", "usage", "must be written as field=value.")])
        put(result, path.split("."), text, model)
    return result


def put(document: dict[str, Any], steps: list[str], text: str, kind: Any) -> None:
    for step in steps[:-1]:
        kind = inner(kind, step)
        found = ITEM.fullmatch(step)
        below = item(document, found[1], int(found[2])) if found else document.get(step)
        if not isinstance(below, dict):
            below = document[step] = {}
        document = below
    name = steps[-1]
    value = typed(text, inner(kind, name))
    found = ITEM.fullmatch(name)
    if found:
        item(document, found[1], int(found[2]))
        document[found[1]][int(found[2])] = value
        return
    if value is None and get_origin(kind) is dict:
        document.pop(name, None)
    else:
        document[name] = value


def item(document: dict[str, Any], name: str, position: int) -> Any:
    """What stands in a list, by its position from 0 on. Raises InvalidSettings if nothing does."""
    listed = document.get(name)
    if not isinstance(listed, list) or position >= len(listed):
        count = len(listed) if isinstance(listed, list) else 0
        raise InvalidSettings([(f"{name}[{position}]", "usage", f"is not there; {name} has {count} entries.")])
    return listed[position]


def inner(kind: Any, name: str) -> Any:
    """The type of a field of this type, or of an item of it; None where the schema knows no such field."""
    kind = bare(kind)
    found = ITEM.fullmatch(name)
    if found:
        listed = inner(kind, found[1])
        return bare(get_args(listed)[0]) if get_origin(listed) is list else None
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = kind.model_fields.get(name)
        return bare(field.annotation) if field else None
    if get_origin(kind) is dict:
        return bare(get_args(kind)[1])
    return None


def bare(kind: Any) -> Any:
    """The type without `None` and without its checks."""
    if hasattr(kind, "__metadata__"):
        return bare(kind.__origin__)
    if get_origin(kind) in (Union, types.UnionType):
        return bare(next(one for one in get_args(kind) if one is not type(None)))
    return kind


def typed(text: str, kind: Any) -> Any:
    """The value that a text on the command line stands for. What does not fit is left for the schema to refuse."""
    if text == "null":
        return None
    if text[:1] in ("[", "{"):
        from bizpbx.directory.yaml_text import load

        return load(text.encode())
    if get_origin(kind) is list:
        return [typed(item.strip(), bare(get_args(kind)[0])) for item in text.split(",")] if text else []
    if get_origin(kind) is dict:
        pairs = (item.partition(":") for item in text.split(",")) if text else ()
        return {name.strip(): value.strip() for name, _, value in pairs}
    if kind is bool:
        return True if text.lower() in TRUE else False if text.lower() in FALSE else text
    if kind is int and text.lstrip("-").isdigit() and text.isascii() and len(text) < 16:
        return int(text)
    return text
