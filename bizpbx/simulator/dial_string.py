"""Dial strings, read: groups tried one after another, legs of a group rung together, each with its variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bizpbx.simulator.text import split

_CLOSING = {"{": "}", "[": "]", "<": ">"}


@dataclass(frozen=True)
class Leg:
    """One thing to ring, such as `sofia/internal/100%acme.example`, and the variables of its leg."""

    address: str
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DialString:
    """`variables` are those in braces, which hold for all legs."""

    groups: tuple[tuple[Leg, ...], ...]
    variables: Mapping[str, str]


def parse(text: str) -> DialString:
    """Read a dial string.

    >>> parse("{a=1}[b=2,c=3]sofia/internal/1%x.example,user/2@x.example|error/USER_BUSY").groups[0][0]
    Leg(address='sofia/internal/1%x.example', variables={'b': '2', 'c': '3'})
    """
    variables, rest = _brackets(text.strip(), "<", ",")
    braces, rest = _brackets(rest, "{", ",")
    groups = [[_leg(leg) for leg in _outside(group, ",")] for group in _outside(rest, "|")]
    return DialString(tuple(tuple(group) for group in groups), {**variables, **braces})


def _leg(text: str) -> Leg:
    variables, address = _brackets(text.strip(), "[", ",")
    return Leg(address.strip(), variables)


def _brackets(text: str, opening: str, delimiter: str) -> tuple[dict[str, str], str]:
    found: dict[str, str] = {}
    while text.startswith(opening):
        end = text.find(_CLOSING[opening])
        if end < 0:
            break
        inner, text = text[1:end], text[end + 1 :].lstrip(" ")
        if inner.startswith("^^") and len(inner) > 2:
            delimiter, inner = inner[2], inner[3:]
        for pair in split(inner, delimiter):
            parts = split(pair, "=", 2)
            if len(parts) == 2:
                found[parts[0]] = parts[1]
    return found, text


def _outside(text: str, delimiter: str) -> list[str]:
    """Split at a delimiter that is outside of brackets."""
    parts, start, depth = [], 0, 0
    for i, char in enumerate(text):
        depth += (char == "[") - (char == "]" and depth > 0)
        if char == delimiter and not depth:
            parts.append(text[start:i])
            start = i + 1
    return [part for part in [*parts, text[start:]] if part.strip()]
