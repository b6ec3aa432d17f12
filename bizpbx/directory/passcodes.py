"""Passcodes as they are stored: argon2id's text for each, and what is remembered of wrong ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from bizpbx.directory.extension import Extension
from bizpbx.directory.organisation import Organisation
from bizpbx.directory.passcode_lockout import PasscodeLockout
from bizpbx.mail.alerts import PASSCODE_LOCKED, alert
from bizpbx.policy.lockout import Lockout, after_right, after_wrong, recent

if TYPE_CHECKING:
    from argon2 import PasswordHasher

STORED = "(stored passcode)"
"""Stands in an export for an extension's passcode; applied, it keeps what is stored. No passcode has a bracket."""
STORED_PIN = "(stored PIN)"
"""Likewise for the PIN of its voicemail."""


def hasher() -> PasswordHasher:
    """argon2id, 64 MiB, three passes (RFC 9106 §4, second choice): about 50 ms for each guess."""
    from argon2 import PasswordHasher  # costs more to import than most commands take

    return PasswordHasher()


def matches(stored: str, digits: str) -> bool:
    """Whether these digits are the passcode. Takes its time: not for the event loop."""
    from argon2.exceptions import Argon2Error, InvalidHashError

    try:
        return hasher().verify(stored, digits)
    except (Argon2Error, InvalidHashError):
        return False


def stored_hash(session: Session, domain: str, key: str) -> str | None:
    """argon2id's text of an extension's passcode; None if it has none, or if there is no such extension."""
    return _stored(session, domain, key, Extension.passcode_hash)


def stored_pin_hash(session: Session, domain: str, key: str) -> str | None:
    """Likewise of the PIN that is asked for before its voicemail is heard."""
    return _stored(session, domain, key, Extension.pin_hash)


def _stored(session: Session, domain: str, key: str, column: InstrumentedAttribute[str | None]) -> str | None:
    return session.execute(
        select(column)
        .join(Organisation, Organisation.id == Extension.organisation_id)
        .where(Organisation.domain == domain, Extension.key == key)
    ).scalar_one_or_none()


def lockout(session: Session, domain: str, key: str) -> Lockout:
    """What is remembered of an extension's wrong passcodes."""
    row = session.execute(
        select(PasscodeLockout)
        .join(Extension, Extension.id == PasscodeLockout.extension_id)
        .join(Organisation, Organisation.id == PasscodeLockout.organisation_id)
        .where(Organisation.domain == domain, Extension.key == key)
    ).scalar_one_or_none()
    return Lockout() if row is None else state_of(row)


def count(session: Session, domain: str, key: str, right: bool, now: datetime) -> tuple[Lockout, Lockout]:
    """Put one entry on record; returns the states before and after. In one transaction of the caller's.

    The extension's row is held meanwhile, so that entries of several calls come one after the other: whichever of them
    come after the one that locks find the lock, right or wrong.
    """
    found = session.execute(
        select(Extension.organisation_id, Extension.id)
        .join(Organisation, Organisation.id == Extension.organisation_id)
        .where(Organisation.domain == domain, Extension.key == key)
        .with_for_update(of=Extension, key_share=True)
    ).one_or_none()
    if found is None:
        return Lockout(), Lockout()
    mine = (
        PasscodeLockout.organisation_id == found.organisation_id,
        PasscodeLockout.extension_id == found.id,
    )
    row = session.execute(select(PasscodeLockout).where(*mine)).scalar_one_or_none()
    before = Lockout() if row is None else state_of(row)
    after = (after_right if right else after_wrong)(before, now)
    values = {
        "wrong": [at.isoformat() for at in after.wrong],
        "locked_until": after.locked_until,
        "lockouts": after.lockouts,
        "changed_at": now,
    }
    if row is not None:
        session.execute(update(PasscodeLockout).where(*mine).values(values))
    elif after != before:
        session.execute(
            insert(PasscodeLockout).values(organisation_id=found.organisation_id, extension_id=found.id, **values)
        )
    if after.locked_until is not None and after.locked(now) and not before.locked(now):
        until = after.locked_until.isoformat()
        details = {"extension": key, "until": until}
        alert(session, found.organisation_id, f"{PASSCODE_LOCKED}/{key}/{until}", PASSCODE_LOCKED, details, now)
    return before, after


@dataclass(frozen=True, slots=True)
class Remembered:
    """An extension with wrong passcodes that still count, or with a lock."""

    key: str
    state: Lockout


def remembered(session: Session, organisation_id: int, now: datetime) -> list[Remembered]:
    """Those of an organisation, by key."""
    rows = session.execute(
        select(Extension.key, PasscodeLockout)
        .join(Extension, Extension.id == PasscodeLockout.extension_id)
        .where(PasscodeLockout.organisation_id == organisation_id)
        .order_by(Extension.key)
    )
    found = [Remembered(key, state_of(row)) for key, row in rows]
    return [each for each in found if each.state.locked(now) or recent(each.state, now)]


def clear(session: Session, organisation_id: int, key: str) -> Lockout | None:
    """Forget the wrong passcodes of an extension, and its lock. Returns what was forgotten; None if there is no such
    extension."""
    found = session.execute(
        select(Extension.id)
        .where(Extension.organisation_id == organisation_id, Extension.key == key)
        .with_for_update(key_share=True)
    ).scalar_one_or_none()
    if found is None:
        return None
    mine = (PasscodeLockout.organisation_id == organisation_id, PasscodeLockout.extension_id == found)
    row = session.execute(select(PasscodeLockout).where(*mine)).scalar_one_or_none()
    session.execute(delete(PasscodeLockout).where(*mine))
    return Lockout() if row is None else state_of(row)


def state_of(row: PasscodeLockout) -> Lockout:
    return Lockout(tuple(datetime.fromisoformat(at) for at in row.wrong), row.locked_until, row.lockouts)
