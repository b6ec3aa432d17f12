"""Mails on their way through the outbox. All in a transaction of the caller's, which passes its clock.

A mail is claimed, and that is committed, before it is sent. Whoever dies in between leaves a claim that expires: the
mail is sent then. What was sent and not noted is sent again, with the same Message-ID: a mail server cannot be asked.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, cast

from sqlalchemy import CursorResult, Table, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from bizpbx.directory.organisation import Organisation
from bizpbx.mail.outbox import Mail, MailState
from bizpbx.mail.retry import PATIENCE, next_try

CLAIM: Final = timedelta(minutes=5)
"""A mail that was claimed so long ago and is still queued was abandoned. Sending one takes less (smtp.LONGEST)."""

MOST_ERROR: Final = 300

KEPT: Final = timedelta(days=90)
"""How long a mail that has left, or was given up, can be looked up."""
PORTION: Final = 500
"""Mails that are looked at in one go when old ones are removed."""

MAIL = cast("Table", Mail.__table__)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A mail that is ours to send until its claim expires, and what its text needs of the organisation."""

    id: int
    claim: str
    organisation: str
    domain: str
    zone: str
    language: str
    key: str
    recipient: str
    template: str
    details: Mapping[str, Any]
    tries: int
    """With this one."""
    give_up_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """Mails that have not left, and when the next of them is due."""

    count: int
    due: datetime | None


def put(
    session: Session,
    organisation_id: int,
    key: str,
    recipients: Collection[str],
    template: str,
    details: Mapping[str, Any],
    now: datetime,
) -> None:
    """Queue a mail to each recipient who was not told of `key` before. `details` are JSON; moments in ISO 8601."""
    rows = [
        {
            "organisation_id": organisation_id,
            "key": key,
            "recipient": recipient,
            "template": template,
            "details": dict(details),
            "state": MailState.QUEUED,
            "tries": 0,
            "next_try": now,
            "give_up_at": now + PATIENCE,
            "created_at": now,
        }
        for recipient in sorted(set(recipients))
    ]
    if rows:
        dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
        session.execute(dialect.insert(MAIL).on_conflict_do_nothing(), rows)


def waiting(session: Session) -> Waiting:
    count, due = session.execute(
        select(func.count(), func.min(Mail.next_try)).where(Mail.state == MailState.QUEUED)
    ).one()
    return Waiting(count, due)


def claim(session: Session, token: str, now: datetime) -> Claimed | None:
    """The mail that has been due for longest, for whoever is called `token`; None if none is due."""
    found = session.execute(
        select(Mail, Organisation)
        .join(Organisation, Organisation.id == Mail.organisation_id)
        .where(Mail.state == MailState.QUEUED, Mail.next_try <= now)
        .order_by(Mail.next_try, Mail.id)
        .limit(1)
        .with_for_update(of=Mail, skip_locked=True)
    ).one_or_none()
    if found is None:
        return None
    mail, organisation = found
    mail.claim, mail.tries, mail.next_try = token, mail.tries + 1, now + CLAIM
    session.flush()
    return claimed(mail, organisation)


def claimed(mail: Mail, organisation: Organisation) -> Claimed:
    return Claimed(
        id=mail.id,
        claim=mail.claim or "",
        organisation=organisation.name,
        domain=organisation.domain,
        zone=organisation.timezone,
        language=organisation.language,
        key=mail.key,
        recipient=mail.recipient,
        template=mail.template,
        details=mail.details,
        tries=mail.tries,
        give_up_at=mail.give_up_at,
        created_at=mail.created_at,
    )


def sent(session: Session, mail: Claimed, now: datetime) -> bool:
    """Note that it has left. Returns whether it was still ours."""
    return _end(session, mail, {"state": MailState.SENT, "next_try": None, "sent_at": now, "last_error": None})


def failed(session: Session, mail: Claimed, error: str, now: datetime, chance: float, *, for_good: bool) -> bool:
    """Note that it could not be sent, and when it is tried again. Returns whether it is dead now."""
    later = None if for_good else next_try(mail.tries, now, mail.give_up_at, chance)
    state = MailState.DEAD if later is None else MailState.QUEUED
    ours = _end(session, mail, {"state": state, "next_try": later, "last_error": error[:MOST_ERROR]})
    return ours and later is None


def old(session: Session, now: datetime) -> list[int]:
    """Ids of mails that are over and have been kept for long enough, among the oldest there are."""
    oldest = select(Mail.id, Mail.state, Mail.created_at).order_by(Mail.id).limit(PORTION)
    return [
        row.id for row in session.execute(oldest) if row.state is not MailState.QUEUED and row.created_at < now - KEPT
    ]


def remove(session: Session, ids: Collection[int]) -> None:
    """Remove mails that are over; one that is to be sent again by now is left alone."""
    session.execute(MAIL.delete().where(MAIL.c.id.in_(ids), MAIL.c.state != MailState.QUEUED))


@dataclass(frozen=True, slots=True)
class Before:
    """What a mail was before it was to be sent again. With a claim it is being sent, and was left alone."""

    state: MailState
    claim: str | None


def resend(session: Session, organisation_id: int, mail_id: int, now: datetime) -> Before | None:
    """Make a mail due at once, with as much patience as a new one. None if there is no such mail."""
    mine = (Mail.organisation_id == organisation_id, Mail.id == mail_id)
    row = session.execute(select(Mail.state, Mail.claim, Mail.next_try).where(*mine).with_for_update()).one_or_none()
    if row is None:
        return None
    if row.claim is not None and row.next_try > now:
        return Before(row.state, row.claim)
    again = {"state": MailState.QUEUED, "tries": 0, "next_try": now, "give_up_at": now + PATIENCE}
    session.execute(update(Mail).where(*mine).values(**again, claim=None, sent_at=None))
    return Before(row.state, None)


def _end(session: Session, mail: Claimed, values: Mapping[str, Any]) -> bool:
    ours = MAIL.update().where(MAIL.c.id == mail.id, MAIL.c.claim == mail.claim)
    done = cast("CursorResult[Any]", session.execute(ours.values({**values, "claim": None})))
    return done.rowcount == 1
