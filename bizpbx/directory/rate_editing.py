"""Changes of rates alone, without a settings file: imports, and single rates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import IntegrityError

from bizpbx.directory import documents, rate_changes, rates, recording
from bizpbx.directory.apply import Applied, current_version
from bizpbx.directory.database import Database
from bizpbx.directory.documents import Document
from bizpbx.directory.export import find
from bizpbx.directory.rates import RateKey, Rates
from bizpbx.errors import Refused
from bizpbx.metering.decks import ALWAYS

Edit = Callable[[Rates], tuple[Rates, frozenset[RateKey]]]
"""From the rates that are stored to what is wanted of them, and what is to be removed."""


@dataclass(frozen=True, slots=True)
class Edited:
    applied: Applied
    counts: dict[str, int]
    hidden: int
    """Rates without a date that were written and do not count: newer ones of their prefixes do."""


def edit(
    database: Database,
    organisation: Document,
    change: Edit,
    *,
    actor: str,
    at: datetime,
    dry_run: bool = False,
    as_one: bool = False,
) -> Edited:
    """All of it or nothing; `as_one` puts it on record as one change, however few rates it changes.

    `organisation` is the document that amounts and moments were read by. Raises Refused if it is not true any more.
    """
    domain = organisation["domain"]
    currency, zone = organisation["currency"], organisation["timezone"]
    try:
        with database.writing(keep=not dry_run) as session:
            organisation_id = recording.lock(session, domain) or find(session, domain)
            if documents.organisation(session, organisation_id) != organisation:
                raise Refused("The organisation was changed at this moment; try again.")
            before = rates.stored(session, organisation_id)
            wanted, remove = change(before)
            found = rate_changes.compare(before, wanted, remove)
            changes = tuple(found.told(currency, zone, as_one=as_one)) if found else ()
            version = 0
            if found:
                rate_changes.write(session, organisation_id, found)
                version = recording.record(session, organisation_id, changes, actor, at)
                rate_changes.note_version(session, organisation_id, version)
            applied = Applied(domain, changes, version or current_version(session, organisation_id))
    except IntegrityError:
        raise Refused("Another change of the same rates was made at this moment; try again.") from None
    counting = rates.in_force({**before, **wanted}.keys() - set(found.removed), at)
    hidden = [
        key for key in found.added + found.changed if key.effective == ALWAYS and counting.get(key.prefix, key) != key
    ]
    return Edited(applied, found.counts, len(hidden))
