"""Passcodes and PINs as they are stored: argon2id's text for each, and what is remembered of wrong ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from bizpbx.directory.extension import Extension
from bizpbx.directory.organisation import Organisation
from bizpbx.directory.passcode_lockout import LockoutColumns, PasscodeLockout, PinLockout
from bizpbx.mail.alerts import PASSCODE_LOCKED, PIN_LOCKED, alert
from bizpbx.policy.lockout import Lockout, after_right, after_wrong, recent

if TYPE_CHECKING:
    from argon2 import PasswordHasher

STORED = "(stored passcode)"
"""Stands in an export for an extension's passcode; applied, it keeps what is stored. No passcode has a bracket."""
STORED_PIN = "(stored PIN)"
"""Likewise for the PIN of its voicemail."""


@dataclass(frozen=True, slots=True)
class Secret:
    """One kind of digits that people key in. Each has wrong entries and a lock of its own."""

    name: str
    column: InstrumentedAttribute[str | None]
    lockouts: type[LockoutColumns]
    alert: str
    """Template, and beginning of the key."""


PASSCODE: Final = Secret("passcode", Extension.passcode_hash, PasscodeLockout, PASSCODE_LOCKED)
PIN: Final = Secret("pin", Extension.pin_hash, PinLockout, PIN_LOCKED)


def hasher() -> PasswordHasher:
    """argon2id, 64 MiB, three passes (RFC 9106 §4, second choice): about 50 ms for each guess."""
    from argon2 import PasswordHasher  # costs more to import than most commands take

    return PasswordHasher()


def matches(stored: str, digits: str) -> bool:
    """Whether these digits are the passcode. Takes its time: not for the event loop. Raises Argon2Error where that
    cannot be told, for want of memory: nobody's passcode is to be locked for it."""
    from argon2.exceptions import InvalidHashError, VerifyMismatchError

    try:
        return hasher().verify(stored, digits)
    except (VerifyMismatchError, InvalidHashError):
        return False


def stored_hash(session: Session, domain: str, key: str, secret: Secret = PASSCODE) -> str | None:
    """argon2id's text of an extension's passcode or PIN; None if it has none, or if there is no such extension."""
    return session.execute(
        select(secret.column)
        .join(Organisation, Organisation.id == Extension.organisation_id)
        .where(Organisation.domain == domain, Extension.key == key)
    ).scalar_one_or_none()


def lockout(session: Session, domain: str, key: str, secret: Secret = PASSCODE) -> Lockout:
    """What is remembered of an extension's wrong ones."""
    table = secret.lockouts
    row = session.execute(
        select(table)
        .join(Extension, Extension.id == table.extension_id)
        .join(Organisation, Organisation.id == table.organisation_id)
        .where(Organisation.domain == domain, Extension.key == key)
    ).scalar_one_or_none()
    return Lockout() if row is None else state_of(row)


def count(
    session: Session, domain: str, key: str, right: bool, now: datetime, secret: Secret = PASSCODE
) -> tuple[Lockout, Lockout]:
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
    table = secret.lockouts
    mine = (table.organisation_id == found.organisation_id, table.extension_id == found.id)
    row = session.execute(select(table).where(*mine)).scalar_one_or_none()
    before = Lockout() if row is None else state_of(row)
    after = (after_right if right else after_wrong)(before, now)
    values = {
        "wrong": [at.isoformat() for at in after.wrong],
        "locked_until": after.locked_until,
        "lockouts": after.lockouts,
        "changed_at": now,
    }
    if row is not None:
        session.execute(update(table).where(*mine).values(values))
    elif after != before:
        session.execute(insert(table).values(organisation_id=found.organisation_id, extension_id=found.id, **values))
    if after.locked_until is not None and after.locked(now) and not before.locked(now):
        until = after.locked_until.isoformat()
        details = {"extension": key, "until": until}
        alert(session, found.organisation_id, f"{secret.alert}/{key}/{until}", secret.alert, details, now)
    return before, after


@dataclass(frozen=True, slots=True)
class Remembered:
    """An extension with wrong entries that still count, or with a lock."""

    key: str
    state: Lockout
    secret: Secret


def remembered(session: Session, organisation_id: int, now: datetime) -> list[Remembered]:
    """Those of an organisation, by key; passcodes before PINs."""
    found = []
    for secret in (PASSCODE, PIN):
        table = secret.lockouts
        rows = session.execute(
            select(Extension.key, table)
            .join(Extension, Extension.id == table.extension_id)
            .where(table.organisation_id == organisation_id)
        )
        found += [Remembered(key, state_of(row), secret) for key, row in rows]
    counting = [each for each in found if each.state.locked(now) or recent(each.state, now)]
    return sorted(counting, key=lambda each: each.key)


def clear(session: Session, organisation_id: int, key: str, secret: Secret = PASSCODE) -> Lockout | None:
    """Forget the wrong entries of an extension, and its lock. Returns what was forgotten; None if there is no such
    extension."""
    found = session.execute(
        select(Extension.id)
        .where(Extension.organisation_id == organisation_id, Extension.key == key)
        .with_for_update(key_share=True)
    ).scalar_one_or_none()
    if found is None:
        return None
    table = secret.lockouts
    mine = (table.organisation_id == organisation_id, table.extension_id == found)
    row = session.execute(select(table).where(*mine)).scalar_one_or_none()
    session.execute(delete(table).where(*mine))
    return Lockout() if row is None else state_of(row)


def state_of(row: LockoutColumns) -> Lockout:
    return Lockout(tuple(datetime.fromisoformat(at) for at in row.wrong), row.locked_until, row.lockouts)
