"""`field=value` pairs, put into a document by the paths and types of the settings file."""

from __future__ import annotations

import copy
import types
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from bizpbx.errors import InvalidSettings

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
        below = document.get(step)
        if not isinstance(below, dict):
            below = document[step] = {}
        document = below
    name = steps[-1]
    value = typed(text, inner(kind, name))
    if value is None and get_origin(kind) is dict:
        document.pop(name, None)
    else:
        document[name] = value


def inner(kind: Any, name: str) -> Any:
    """The type of a field of this type; None where the schema knows no such field."""
    kind = bare(kind)
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
