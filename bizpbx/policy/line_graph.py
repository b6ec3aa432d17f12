"""Which step of a line leads to which. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from bizpbx.policy.line import END, ForwardTo, GatherDigit, HangUpStep, Hours, VirtualLine


class Node(NamedTuple):
    """A step: the key of its line, and its position in it from 0 on."""

    line: str
    position: int


LineOf = Callable[[str], VirtualLine | None]
"""The line that a key, or a number (E.164) that leads to one, stands for."""


def place_of(line: VirtualLine, name: str | None, position: int) -> Node | None:
    """Where a step of this name is, for None the one after `position`; None: there the line ends. A name that no step
    has is the end, too."""
    if name is None:
        return Node(line.key, position + 1) if position + 1 < len(line.steps) else None
    if name == END:
        return None
    return next((Node(line.key, at) for at, step in enumerate(line.steps) if step.name == name), None)


def after(line: VirtualLine, position: int) -> Node | None:
    """Where a call goes on once this step is over; None: it ends."""
    return place_of(line, line.steps[position].next, position)


def exits(line: VirtualLine, position: int, line_of: LineOf) -> Iterator[Node | None]:
    """Everywhere that this step can lead to; None: the end."""
    action = line.steps[position].action
    match action:
        case HangUpStep():
            return
        case GatherDigit():
            for _, name in action.digits:
                yield place_of(line, name, position)
            yield place_of(line, action.none, position)
        case ForwardTo():
            other = line_of(action.number)
            yield after(line, position) if other is None else (Node(other.key, 0) if other.steps else None)
        case _:
            yield after(line, position)
            if isinstance(action, Hours):
                yield place_of(line, action.otherwise, position)


def in_order(line: VirtualLine, line_of: LineOf) -> tuple[Node, ...]:
    """Every step that a call to the line can come to, each before those it leads to; as written, where that is so.

    A step on a way round in a circle is left out: lines are not saved with one.
    """
    found: dict[str, VirtualLine] = {}
    ways: dict[Node, frozenset[Node]] = {}
    todo = [Node(line.key, 0)] if line.steps else []
    found[line.key] = line
    while todo:
        node = todo.pop(0)
        if node in ways:
            continue
        own = found[node.line]
        ways[node] = frozenset(exit for exit in exits(own, node.position, line_of) if exit is not None)
        for exit in sorted(ways[node]):
            if exit.line not in found:
                other = line_of(exit.line)
                if other is None:
                    continue
                found[exit.line] = other
            todo.append(exit)
    return _sorted(ways, list(found))


def _sorted(ways: Mapping[Node, frozenset[Node]], lines: list[str]) -> tuple[Node, ...]:
    waits_for = dict.fromkeys(ways, 0)
    for exits_of in ways.values():
        for exit in exits_of:
            if exit in waits_for:
                waits_for[exit] += 1
    ready = [(lines.index(node.line), node) for node, number in waits_for.items() if not number]
    heapq.heapify(ready)
    order: list[Node] = []
    while ready:
        _, node = heapq.heappop(ready)
        order.append(node)
        for exit in ways[node]:
            if exit in waits_for:
                waits_for[exit] -= 1
                if not waits_for[exit]:
                    heapq.heappush(ready, (lines.index(exit.line), exit))
    return tuple(order)
