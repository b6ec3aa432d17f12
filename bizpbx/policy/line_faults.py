"""What is wrong with virtual lines that are to be saved. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bizpbx.policy.line import VirtualLine
from bizpbx.policy.line_graph import LineOf, Node, exits

MOST_REACHED: Final = 100
"""Steps that one call can come to, those of all lines together: so long a decision may be."""

Ways = Mapping[Node, tuple[Node, ...]]
"""Where each step can lead to, but the end."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a step of a line: `code` as settings name it, and a sentence."""

    node: Node
    code: str
    sentence: str


def faults(lines: Iterable[VirtualLine], line_of: LineOf) -> Iterator[Fault]:
    """Ways round in a circle, within a line or through others, steps that no call can come to, and lines that lead to
    too many. One after the other as they are asked for: each circle takes a search of its own."""
    by_key = {line.key: line for line in lines}
    ways = {
        Node(line.key, position): tuple(exit for exit in exits(line, position, line_of) if exit is not None)
        for line in by_key.values()
        for position in range(len(line.steps))
    }
    circling = _circling(ways)
    for line in by_key.values():
        first = Node(line.key, 0)
        own = {node: tuple(exit for exit in ways[node] if exit.line == line.key) for node in ways_of(line)}
        reached = _reached(first, own, len(own))
        if len(_reached(first, ways, MOST_REACHED + 1)) > MOST_REACHED:
            sentence = f"leads to more than {MOST_REACHED} steps, those of other lines among them; take some out."
            yield Fault(first, "too-many-steps", sentence)
        for node in own:
            back = _way_back(node, ways) if node in circling else None
            if back is not None:
                told = _told(back, by_key)
                yield Fault(node, "loop", f"leads back to itself {told}; let the call end, or go on elsewhere.")
            elif node not in reached:
                sentence = "is a step that no call comes to; lead another one here, or take it out."
                yield Fault(node, "unreachable", sentence)


def ways_of(line: VirtualLine) -> Iterator[Node]:
    """The steps of a line, in order."""
    return (Node(line.key, position) for position in range(len(line.steps)))


def _circling(ways: Ways) -> set[Node]:
    """What is left once every step is taken away that leads to none that is left: circles, and what leads to them."""
    left = {node: len(onward) for node, onward in ways.items()}
    before: dict[Node, list[Node]] = {}
    for node, onward in ways.items():
        for exit in onward:
            before.setdefault(exit, []).append(node)
    done = [node for node, number in left.items() if not number]
    while done:
        exit = done.pop()
        del left[exit]
        for node in before.get(exit, ()):
            left[node] -= 1
            if not left[node]:
                done.append(node)
    return set(left)


def _reached(start: Node, ways: Ways, most: int) -> set[Node]:
    """The steps that a call can come to from there, itself too; at most so many are looked for."""
    found: set[Node] = set()
    todo = [start]
    while todo and len(found) < most:
        node = todo.pop()
        if node not in found and node in ways:
            found.add(node)
            todo += ways[node]
    return found


def _way_back(start: Node, ways: Ways) -> list[Node] | None:
    """A shortest way from a step to itself."""
    came: dict[Node, Node] = {}
    todo = [start]
    while todo:
        node = todo.pop(0)
        for exit in ways.get(node, ()):
            if exit == start:
                way = [node]
                while way[-1] != start:
                    way.append(came[way[-1]])
                return way[::-1]
            if exit not in came:
                came[exit] = node
                todo.append(exit)
    return None


def _told(way: list[Node], lines: Mapping[str, VirtualLine]) -> str:
    """The steps on the way, for people."""
    between = [lines[node.line].place(node.position) for node in way[1:]]
    return "by way of " + ", ".join(between) if between else "at once"
