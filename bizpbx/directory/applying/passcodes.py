"""Writing passcodes and PINs: documents never hold them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import InstrumentedAttribute

from bizpbx.directory.applying.work import Work
from bizpbx.directory.documents import Document
from bizpbx.directory.extension import Extension
from bizpbx.directory.passcodes import STORED, STORED_PIN, hasher, matches
from bizpbx.directory.recording import Change


@dataclass(frozen=True, slots=True)
class Digits:
    """Something that is keyed in: where a document has it, and what stands there for one that is stored."""

    section: str | None
    field: str
    column: InstrumentedAttribute[str | None]
    stored: str
    new: str

    @property
    def path(self) -> str:
        return f"{self.section}.{self.field}" if self.section else self.field

    def of(self, document: Document) -> str | None:
        section: Document = document.get(self.section) or {} if self.section else document
        value: str | None = section.get(self.field)
        return value

    def hidden(self, document: Document) -> Document:
        """The document without what it says of it."""
        if self.section is None:
            return document | {self.field: self.stored}
        return document | {self.section: document[self.section] | {self.field: self.stored}}


ALL = (
    Digits(None, "passcode", Extension.passcode_hash, STORED, "(new passcode)"),
    Digits("no_answer", "pin", Extension.pin_hash, STORED_PIN, "(new PIN)"),
)

Hashes = dict[str, dict[str, str]]
"""Path → key of the extension → argon2id's text."""


def new_hashes(work: Work) -> Hashes:
    """Of those that differ from what is stored; the documents do not hold them from now on."""
    return {digits.path: _new(work, digits) for digits in ALL}


def write(work: Work, hashes: Hashes) -> None:
    """Once the extensions are there."""
    plan, ids = work.sections["extensions"], work.ids["extensions"]
    for digits in ALL:
        gone = {key: None for key in plan.changed if digits.of(plan.after[key]) is None}
        new = {**hashes[digits.path], **gone}
        rows = [{"id": ids[key], digits.column.key: text} for key, text in new.items()]
        if rows:
            work.session.execute(update(Extension), rows)


def _new(work: Work, digits: Digits) -> dict[str, str]:
    plan = work.sections["extensions"]
    told = {key: digits.of(document) for key, document in plan.after.items()}
    given = {key: text for key, text in told.items() if text is not None and text != digits.stored}
    if not given:
        return {}
    query = select(Extension.key, digits.column).where(
        Extension.organisation_id == work.organisation_id, digits.column.is_not(None)
    )
    stored = {key: hashed for key, hashed in work.session.execute(query) if hashed is not None}
    hashes: dict[str, str] = {}
    for key, text in given.items():
        plan.after[key] = digits.hidden(plan.after[key])
        if key in stored:
            if matches(stored[key], text):
                continue
            work.changes.append(Change(plan.noun, key, digits.path, digits.stored, digits.new))
        hashes[key] = hasher().hash(text)
    return hashes
