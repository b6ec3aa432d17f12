"""One application of settings to one organisation: what is known, what is wanted, what was found wrong."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from bizpbx.directory.documents import Document
from bizpbx.directory.extension import Extension
from bizpbx.directory.gateway import Gateway
from bizpbx.directory.member import Member
from bizpbx.directory.number import Number
from bizpbx.directory.outbound_rule import OutboundRule
from bizpbx.directory.parsing import shortened
from bizpbx.directory.recording import Change, differences
from bizpbx.directory.secrets import Secrets
from bizpbx.directory.virtual_line import VirtualLine
from bizpbx.errors import InvalidSettings, NoFreeLicence

NAME_COLUMNS: dict[str, InstrumentedAttribute[str]] = {
    "members": Member.email,
    "gateways": Gateway.name,
    "outbound_rules": OutboundRule.name,
    "extensions": Extension.key,
    "virtual_lines": VirtualLine.key,
    "numbers": Number.e164,
}

NOUNS = {
    "members": "member",
    "gateways": "gateway",
    "outbound_rules": "rule",
    "extensions": "extension",
    "virtual_lines": "virtual-line",
    "numbers": "number",
}

T = TypeVar("T")

CHUNK = 500
"""Ids in one IN list."""


@dataclass(slots=True)
class Section:
    """One list of the file: `after` is what it says, `before` what is stored of the same names and of those that go."""

    noun: str
    before: dict[str, Document] = field(default_factory=dict)
    after: dict[str, Document] = field(default_factory=dict)
    positions: dict[str, int] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)

    @property
    def added(self) -> list[str]:
        return [name for name in self.after if name not in self.before]

    @property
    def changed(self) -> list[str]:
        return [name for name in self.after if name in self.before and self.after[name] != self.before[name]]

    @property
    def touched(self) -> list[str]:
        return self.added + self.changed

    def changes(self) -> Iterator[Change]:
        for name in self.added:
            yield Change(self.noun, name, "", None, self.after[name])
        for name in self.changed:
            yield from differences(self.noun, name, *numbered(self.before[name], self.after[name]))
        for name in self.removed:
            yield Change(self.noun, name, "", self.before[name], None)


def numbered(before: Document, after: Document) -> tuple[Document, Document]:
    """The documents with steps told apart by their position, as long as there are as many as before: then a change in
    one of them is told as that."""
    if len(before.get("steps", ())) != len(after.get("steps", ())):
        return before, after
    return _numbered(before), _numbered(after)


def _numbered(document: Document) -> Document:
    rest = {name: value for name, value in document.items() if name != "steps"}
    return rest | {f"steps[{position}]": step for position, step in enumerate(document.get("steps", ()))}


@dataclass(slots=True)
class Work:
    session: Session
    organisation_id: int
    domain: str
    at: datetime
    secrets: Callable[[], Secrets]
    prune: bool
    organisation: Document
    """As it will be."""
    ids: dict[str, dict[str, int]] = field(default_factory=dict)
    """Section → name → row id, as stored."""
    sections: dict[str, Section] = field(default_factory=lambda: {name: Section(noun) for name, noun in NOUNS.items()})
    problems: list[tuple[str, str, str]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    sounds: set[str] = field(default_factory=set)
    """Digests of the organisation's sounds."""
    spoken: dict[str, str] = field(default_factory=dict)
    """Digests of the sounds of texts, see `messages.name`."""

    def load_ids(self, section: str) -> None:
        column = NAME_COLUMNS[section]
        query = select(column, column.class_.id).where(column.class_.organisation_id == self.organisation_id)
        self.ids[section] = dict(self.session.execute(query).all())

    def exists(self, section: str, name: str) -> bool:
        """Whether there will be one of this name when the work is done."""
        plan = self.sections[section]
        return name in plan.after or (name in self.ids[section] and name not in plan.removed)

    def path(self, section: str, name: str, field: str = "") -> str:
        """Where a thing stands in the file; a thing that is not in it is told by its name."""
        position = self.sections[section].positions.get(name)
        where = f"{section}[{position}]" if position is not None else f"{section}.{name}"
        return f"{where}.{field}" if field else where

    def refer(self, path: str, section: str, target: str | None) -> None:
        """`path` refers to `target` in `section`: it has to be there in the end."""
        if target is not None and not self.exists(section, target):
            noun = self.sections[section].noun
            going = target in self.sections[section].removed
            missing = f"there is no {noun} {target}; add it, or take this out."
            self.problem(path, "unknown", f"{noun} {target} is being removed." if going else missing)

    def problem(self, path: str, code: str, sentence: str) -> None:
        self.problems.append((path, code, sentence))

    def stop_if_wrong(self) -> None:
        """Raises InvalidSettings with all problems found so far."""
        if self.problems and all(code == NoFreeLicence.code for _, code, _ in self.problems):
            raise NoFreeLicence("\n".join(f"{path}: {sentence}" for path, _, sentence in shortened(self.problems)))
        if self.problems:
            raise InvalidSettings(shortened(self.problems))


def chunks(ids: Collection[T]) -> Iterator[list[T]]:
    """The ids, or names, in portions that fit one statement."""
    everything = list(ids)
    for start in range(0, len(everything), CHUNK):
        yield everything[start : start + CHUNK]
