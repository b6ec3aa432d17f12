"""The switch's string rules: expansion of `${…}`, unescaping, and splitting at a delimiter with quotes.

The rules are FreeSWITCH's own, oddities included, because the escapes of the adapter rely on them: an argument is
expanded and unescaped when an application starts, split and unescaped once more by `multiset`, and each value is then
expanded and unescaped again.
"""

from __future__ import annotations

import re
from collections.abc import Callable

DENIED = "<API Execute Permission Denied>"
_UNESCAPED = {"n": "\n", "r": "\r", "t": "\t", "s": " "}
_ESCAPES = re.compile(r"\\[\\nst']")
_REFERENCE = re.compile(r"\$\\*\{")
_LEADING_NUMBER = re.compile(r"\s*([+-]?\d+)")

Lookup = Callable[[str], str | None]


def expand(text: str, lookup: Lookup, depth: int = 0) -> str:
    """Put the values of variables in place of `${name}`, `${name:offset:length}`; functions are not allowed.

    >>> expand("a ${x} ${x:1} ${nothing}.", {"x": "123"}.get)
    'a 123 23 .'
    """
    if depth > 100 or not (_REFERENCE.search(text) or _ESCAPES.search(text)):
        return text
    out: list[str] = []
    i = 0
    while i < len(text):
        two = text[i : i + 2]
        if two == "\\$":
            i += 3 if text[i + 2 : i + 3] == "$" else 2
            out.append("$")
        elif two == "\\'":
            i += 2  # gone altogether
        elif two == "\\\\":
            out.append("\\")
            i += 2
        elif two == "${" or text[i : i + 3] == "$${":
            start = i + (2 if two == "${" else 3)
            end = _closing(text, start)
            out.append(_reference(text[start:end], lookup, depth))
            i = end + 1
            if i < len(text) and text[i] != "$":  # taken as it is, even a backslash
                out.append(text[i])
                i += 1
        elif two == "$$":
            out.append("$")
            i += 2
        else:
            out.append(text[i])
            i += 1
    return "".join(out)


def _closing(text: str, start: int) -> int:
    depth = 1
    for i in range(start, len(text)):
        if text[i] == "{" and i != start:
            depth += 1
        elif text[i] == "}":
            depth -= 1
            if not depth:
                return i
    return len(text)


def _reference(inner: str, lookup: Lookup, depth: int) -> str:
    if " " in inner or "(" in inner:
        return DENIED
    name, *slices = expand(inner, lookup, depth + 1).split(":")
    name = name.split("[")[0]
    value = lookup(name)
    if value is None:
        return ""
    value = expand(value, lookup, depth + 1)
    offset = _number(slices[0]) if slices else 0
    length = _number(slices[1]) if len(slices) > 1 else 0
    value = value[offset:] if offset >= 0 or -offset <= len(value) else value
    return value[:length] if length > 0 else value


def _number(text: str) -> int:
    found = _LEADING_NUMBER.match(text)
    return int(found[1]) if found else 0


def split(text: str, delimiter: str, most: int = 256) -> list[str]:
    """Split at a delimiter that is not inside quotes; quotes and escapes are taken off the parts.

    >>> split("a='x,y',b=1\\\\,2", ",")
    ['a=x,y', 'b=1,2']
    """
    if delimiter == " ":
        return [_clean(part, "") for part in _blank_parts(text, most)]
    parts: list[str] = []
    start = i = 0
    quoted = False
    while i < len(text) and len(parts) < most - 1:
        if text[i] == "\\":
            i += 1
        elif text[i] == "'" and (quoted or "'" in text[i + 1 :]):
            quoted = not quoted
        elif text[i] == delimiter and not quoted:
            parts.append(text[start:i])
            start = i + 1
        i += 1
    if start < len(text):
        parts.append(text[start:])
    return [_clean(part, delimiter) for part in parts]


def _blank_parts(text: str, most: int) -> list[str]:
    parts: list[str] = []
    i = 0
    while i < len(text) and len(parts) < most:
        while i < len(text) and text[i] == " ":
            i += 1
        start, quoted = i, False
        while i < len(text) and (quoted or text[i] != " "):
            if text[i] == "\\":
                i += 1
            elif text[i] == "'" and (quoted or "'" in text[i + 1 :]):
                quoted = not quoted
            i += 1
        if start < len(text):
            parts.append(text[start:i])
    return parts


def _clean(text: str, delimiter: str) -> str:
    text = text.lstrip(" ")
    out: list[str] = []
    end: int | None = None
    quoted = False
    i = 0
    while i < len(text):
        char, following = text[i], text[i + 1 : i + 2]
        if char == "\\" and following and (following in ("'", '"', "\\", delimiter) or following in _UNESCAPED):
            out.append(_UNESCAPED.get(following, following) if following != delimiter else following)
            end = len(out)
            i += 2
            continue
        if char == "'" and (quoted or "'" in text[i + 1 :]):
            quoted = not quoted
            if quoted:
                end = len(out)
        else:
            out.append(char)
            if char != " " or quoted:
                end = len(out)
        i += 1
    return "".join(out if end is None else out[:end])


def is_true(text: str | None) -> bool:
    """What FreeSWITCH takes for yes."""
    return text is not None and (text.lower() in ("yes", "on", "true", "t", "enabled", "active", "allow") or _yes(text))


def is_false(text: str | None) -> bool:
    """What FreeSWITCH takes for no."""
    if text is None:
        return False
    words = ("no", "off", "false", "f", "disabled", "inactive", "disallow")
    return text.lower() in words or (text.lstrip("-").isdigit() and int(text) == 0)


def _yes(text: str) -> bool:
    return text.lstrip("-").isdigit() and int(text) != 0
