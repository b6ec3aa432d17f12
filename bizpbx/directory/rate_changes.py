"""Changing rates: what differs from what is stored, written in bulk, and one line of the audit trail for many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, delete, insert, update
from sqlalchemy.orm import Session

from bizpbx.directory import rates
from bizpbx.directory.organisation import Organisation
from bizpbx.directory.rate import Rate
from bizpbx.directory.rates import RateKey, Rates
from bizpbx.directory.recording import Change, differences
from bizpbx.metering.decks import Price

MOST_TOLD = 100
"""More changes than this are put on record as one, with their numbers."""

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RateChange:
    """What has to be written so that the stored rates are the wanted ones."""

    before: Rates
    added: tuple[RateKey, ...]
    changed: tuple[RateKey, ...]
    removed: tuple[RateKey, ...]
    wanted: Rates

    @property
    def counts(self) -> dict[str, int]:
        same = len(self.wanted) - len(self.added) - len(self.changed)
        return {
            "added": len(self.added),
            "changed": len(self.changed),
            "removed": len(self.removed),
            "unchanged": same,
        }

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)

    def told(self, currency: str, zone: str, *, as_one: bool = False) -> Iterator[Change]:
        """The changes for the audit trail: each by itself, or if there are many, all as one."""
        if as_one or len(self.added) + len(self.changed) + len(self.removed) > MOST_TOLD:
            told = {what: count for what, count in self.counts.items() if what != "unchanged"}
            yield Change("rate", "deck", "rates", None, told)
            return

        def document(key: RateKey, found: Rates) -> Document:
            return rates.document(key, found[key], currency, zone)

        for key in self.added:
            yield Change("rate", named(key, document(key, self.wanted)), "", None, document(key, self.wanted))
        for key in self.changed:
            before, after = document(key, self.before), document(key, self.wanted)
            yield from differences("rate", named(key, before), before, after)
        for key in self.removed:
            yield Change("rate", named(key, document(key, self.before)), "", document(key, self.before), None)


def named(key: RateKey, document: Document) -> str:
    """`6590`, `6590 from 2027-01-01T00:00:00+08:00`"""
    return key.prefix if document["effective"] is None else f"{key.prefix} from {document['effective']}"


def compare(before: Rates, wanted: Rates, remove: Mapping[RateKey, object] | frozenset[RateKey]) -> RateChange:
    """What leads from `before` to `wanted`; of what is in `before` alone, only `remove` goes."""
    return RateChange(
        before=before,
        added=tuple(key for key in wanted if key not in before),
        changed=tuple(key for key, price in wanted.items() if key in before and before[key] != price),
        removed=tuple(key for key in before if key in remove and key not in wanted),
        wanted=wanted,
    )


def exactly(before: Rates, wanted: Rates, since: datetime | None) -> tuple[Rates, frozenset[RateKey]]:
    """What has to be wanted and what removed so that nothing but `wanted` counts: ever, or from a moment on.

    From a moment on, what was in force before it stays on record, and a prefix that is not wanted loses its price then.
    """
    if since is None:
        return wanted, frozenset(before)
    listed = {key.prefix for key in wanted}
    earlier = rates.in_force((key for key in before if key.effective < since), since)
    ended = {
        RateKey(prefix, since): None
        for prefix, key in earlier.items()
        if prefix not in listed and before[key] is not None
    }
    return {**wanted, **ended}, frozenset(key for key in before if key.effective >= since)


def write(session: Session, organisation_id: int, change: RateChange) -> None:
    """All of it, in two statements that the driver is given many rows for."""
    gone = [key._asdict() for key in change.removed + change.changed]
    if gone:
        session.connection().execute(
            delete(Rate).where(
                Rate.organisation_id == organisation_id,
                Rate.prefix == bindparam("prefix"),
                Rate.effective == bindparam("effective"),
            ),
            gone,
        )
    new = [columns(organisation_id, key, change.wanted[key]) for key in change.added + change.changed]
    if new:
        session.connection().execute(insert(Rate), new)


def columns(organisation_id: int, key: RateKey, price: Price | None) -> dict[str, Any]:
    return {
        "organisation_id": organisation_id,
        "prefix": key.prefix,
        "effective": key.effective,
        "per_minute": None if price is None else price.per_minute,
        "connection_fee": Decimal(0) if price is None else price.connection_fee,
        "first": 1 if price is None else price.first,
        "next": 1 if price is None else price.next,
    }


def note_version(session: Session, organisation_id: int, version: int) -> None:
    """Decks in memory are of an older version from now on."""
    session.execute(update(Organisation).where(Organisation.id == organisation_id).values(rates_version=version))
