"""The voicemails of one extension as they are heard by phone. In transactions of the caller's, who passes the time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from bizpbx.directory import recording
from bizpbx.directory.organisation import Organisation
from bizpbx.voicemail import collecting
from bizpbx.voicemail.record import VOICEMAIL, VoicemailState


@dataclass(frozen=True, slots=True)
class Left:
    """A voicemail that is in the store."""

    id: int
    caller: str | None
    began: datetime


@dataclass(frozen=True, slots=True)
class Contents:
    """What can be heard, the oldest first. `zone`: time zone of the organisation."""

    zone: str
    new: Sequence[Left]
    saved: Sequence[Left]


def contents(session: Session, domain: str, key: str, most: int) -> Contents:
    """At most so many of each. Raises sqlalchemy.exc.NoResultFound if the organisation is gone."""
    owner = session.execute(select(Organisation.id, Organisation.timezone).where(Organisation.domain == domain)).one()
    columns = (VOICEMAIL.c.id, VOICEMAIL.c.caller, VOICEMAIL.c.began)

    def found(condition: ColumnElement[bool]) -> Sequence[Left]:
        query = select(*columns).where(*_in(owner.id, key), condition).order_by(VOICEMAIL.c.began, VOICEMAIL.c.id)
        return [Left(*row) for row in session.execute(query.limit(most))]

    return Contents(owner.timezone, found(VOICEMAIL.c.heard_at.is_(None)), found(VOICEMAIL.c.heard_at.is_not(None)))


def stored(session: Session, domain: str, key: str, voicemail_id: int) -> tuple[str, str] | None:
    """(key in the store, SHA-256) of a recording; None if it was deleted."""
    query = select(VOICEMAIL.c.store_key, VOICEMAIL.c.sha256).where(*_one(session, domain, key, voicemail_id))
    row = session.execute(query).one_or_none()
    return (row.store_key, row.sha256) if row is not None else None


def heard(session: Session, domain: str, key: str, voicemail_id: int, now: datetime) -> None:
    """Note that it is not new; the first time counts."""
    mine = VOICEMAIL.update().where(*_one(session, domain, key, voicemail_id), VOICEMAIL.c.heard_at.is_(None))
    session.execute(mine.values(heard_at=now))


def delete(session: Session, domain: str, key: str, voicemail_id: int, device: str, now: datetime) -> bool:
    """Delete it, with a line of the audit trail by this device. Returns whether it was there."""
    organisation_id = _organisation(session, domain)
    if session.execute(select(VOICEMAIL.c.id).where(*_one(session, domain, key, voicemail_id))).first() is None:
        return False
    if organisation_id is None or not collecting.delete(session, organisation_id, voicemail_id, now):
        return False
    before, after = str(VoicemailState.STORED), str(VoicemailState.DELETED)
    change = recording.Change("voicemail", str(voicemail_id), "state", before, after)
    recording.record(session, organisation_id, [change], device, now)
    return True


def _one(session: Session, domain: str, key: str, voicemail_id: int) -> tuple[ColumnElement[bool], ...]:
    return (*_in(_organisation(session, domain), key), VOICEMAIL.c.id == voicemail_id)


def _in(organisation_id: int | None, key: str) -> tuple[ColumnElement[bool], ...]:
    return (
        VOICEMAIL.c.organisation_id == organisation_id,
        VOICEMAIL.c.extension == key,
        VOICEMAIL.c.state == VoicemailState.STORED,
    )


def _organisation(session: Session, domain: str) -> int | None:
    return session.execute(select(Organisation.id).where(Organisation.domain == domain)).scalar_one_or_none()
