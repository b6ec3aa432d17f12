"""What changed, in the audit trail and in the organisation's version: the one place where a change is put on record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from bizpbx.directory.audit import Audit
from bizpbx.directory.organisation import Organisation


@dataclass(frozen=True, slots=True)
class Change:
    """One field of one thing. An empty `field` is the thing: added where `before` is None, removed where `after` is."""

    noun: str
    name: str
    field: str
    before: Any
    after: Any

    def __str__(self) -> str:
        thing = f"{self.noun} {self.name}"
        if not self.field:
            return f"{thing}: {'added' if self.before is None else 'removed'}"
        return f"{thing}: {self.field}: {plain(self.before)} → {plain(self.after)}"


def plain(value: Any) -> str:
    """A value as `set` on the command line takes it."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case list():
            return ", ".join(plain(item) for item in value) or "[]"
        case dict():
            return " ".join(f"{name}={plain(item)}" for name, item in value.items()) or "{}"
    return str(value)


def differences(noun: str, name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    """A change for each field that differs, by its dotted path."""
    old, new = flat(before), flat(after)
    for field in old | new:
        if old.get(field) != new.get(field):
            yield Change(noun, name, field, old.get(field), new.get(field))


def flat(document: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Dotted path → value; lists are values."""
    found: dict[str, Any] = {}
    for name, value in document.items():
        where = f"{path}.{name}" if path else name
        found |= flat(value, where) if isinstance(value, dict) else {where: value}
    return found


def lock(session: Session, domain: str) -> int | None:
    """Id of the organisation, held so that changes to it come one after the other; None if there is none."""
    return session.execute(
        select(Organisation.id).where(Organisation.domain == domain).with_for_update()
    ).scalar_one_or_none()


def record(session: Session, organisation_id: int, changes: Sequence[Change], actor: str, at: datetime) -> int:
    """Raise the organisation's version by one and write the changes to its audit trail. Returns the new version.

    Every change of a setting ends here, in the same transaction: caches live under the version.
    """
    version = session.execute(
        update(Organisation)
        .where(Organisation.id == organisation_id)
        .values(version=Organisation.version + 1)
        .returning(Organisation.version)
    ).scalar_one()
    if changes:
        rows = [
            {
                "organisation_id": organisation_id,
                "version": version,
                "at": at,
                "actor": actor,
                "noun": change.noun,
                "name": change.name,
                "field": change.field,
                "before": change.before,
                "after": change.after,
            }
            for change in changes
        ]
        session.execute(insert(Audit), rows)
    return version
