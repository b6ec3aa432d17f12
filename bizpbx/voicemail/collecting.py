"""Recordings on their way from the switch's disk into the store, and out of it. In transactions of the caller's, which
passes its clock.

A row is claimed, and that is committed, before its file is touched. Whoever dies in between leaves a claim that
expires, and each step can be done again: the store is given the same file under the same key.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, CursorResult, select
from sqlalchemy.orm import Session

from bizpbx.directory.organisation import Organisation
from bizpbx.mail import queue
from bizpbx.voicemail.keeping import mail_key, tell_missed
from bizpbx.voicemail.recipients import recipients
from bizpbx.voicemail.record import VOICEMAIL, Note, Voicemail, VoicemailState

CLAIM: Final = timedelta(minutes=5)
"""What was claimed so long ago was abandoned."""
SHORTEST: Final = timedelta(seconds=2)
LONGEST: Final = timedelta(minutes=5)
"""Between two tries, where the store is away."""
MOST: Final = 50
NAMES: Final = uuid.UUID("0d8e5c53-2c0b-5a1f-8f0e-6f0a3d3f7b10")

TEMPLATE: Final = "voicemail"


@dataclass(frozen=True, slots=True)
class Due:
    """A row that something is to be done about."""

    id: int
    switch: str
    call: str
    state: VoicemailState


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row that is ours until its claim expires."""

    id: int
    claim: str
    organisation_id: int
    domain: str
    extension: str
    switch: str
    call: str
    caller: str | None
    caller_name: str
    began: datetime
    longest: int
    tries: int
    store_key: str | None

    @property
    def key(self) -> str:
        """Where the store keeps it: the same whoever puts it there."""
        return f"{self.domain}/voicemail/{uuid.uuid5(NAMES, f'{self.switch}/{self.call}')}.wav"

    @property
    def details(self) -> dict[str, Any]:
        """What a mail tells."""
        return {
            "extension": self.extension,
            "caller": self.caller,
            "caller_name": self.caller_name,
            "began": self.began.isoformat(),
        }


def due(session: Session, now: datetime) -> Sequence[Due]:
    """What is to be done, what has waited for longest first."""
    columns = (VOICEMAIL.c.id, VOICEMAIL.c.switch, VOICEMAIL.c.call, VOICEMAIL.c.state)
    query = select(*columns).where(VOICEMAIL.c.next_look <= now).order_by(VOICEMAIL.c.next_look).limit(MOST)
    return [Due(*row) for row in session.execute(query)]


def claim(session: Session, found: Due, token: str, now: datetime) -> Claimed | None:
    """Take a row for whoever is called `token`; None if somebody else was faster."""
    mine = VOICEMAIL.update().where(
        VOICEMAIL.c.id == found.id, VOICEMAIL.c.state == found.state, VOICEMAIL.c.next_look <= now
    )
    taken = mine.values(claim=token, next_look=now + CLAIM, tries=VOICEMAIL.c.tries + 1)
    if cast("CursorResult[Any]", session.execute(taken)).rowcount != 1:
        return None
    row = session.get_one(Voicemail, found.id, populate_existing=True)
    return Claimed(
        id=row.id,
        claim=token,
        organisation_id=row.organisation_id,
        domain=session.get_one(Organisation, row.organisation_id).domain,
        extension=row.extension,
        switch=row.switch,
        call=row.call,
        caller=row.caller,
        caller_name=row.caller_name,
        began=row.began,
        longest=row.longest,
        tries=row.tries,
        store_key=row.store_key,
    )


def put_back(session: Session, mine: Claimed, now: datetime) -> None:
    """Try again later: the more often it was tried, the later."""
    pause = min(LONGEST, SHORTEST * (1 << min(mine.tries - 1, 20)))
    _end(session, mine, {"next_look": now + pause})


def stored(session: Session, mine: Claimed, sha256: str, size: int, seconds: int, now: datetime) -> bool:
    """The store has confirmed it: note that, and tell by mail. Returns whether it was still ours."""
    values = {
        "state": VoicemailState.STORED,
        "store_key": mine.key,
        "sha256": sha256,
        "size": size,
        "seconds": seconds,
        "next_look": None,
    }
    if not _end(session, mine, values):
        return False
    told = recipients(session, mine.organisation_id, mine.extension)
    details = {**mine.details, "seconds": seconds, "voicemail": mine.id}
    queue.put(session, mine.organisation_id, mail_key(mine.call), told, TEMPLATE, details, now)
    return True


def rejected(session: Session, mine: Claimed, note: Note, now: datetime) -> bool:
    """Nothing of use was recorded: it is a missed call. Returns whether it was still ours."""
    if not _end(session, mine, {"state": VoicemailState.MISSED, "note": note, "next_look": None}):
        return False
    tell_missed(session, mine.organisation_id, mine.call, mine.extension, {**mine.details, "note": str(note)}, now)
    return True


def finished(session: Session, calls: Sequence[str]) -> frozenset[str]:
    """Those of these calls whose files nobody waits for any more."""
    done = (VoicemailState.STORED, VoicemailState.MISSED, VoicemailState.DELETED)
    query = select(VOICEMAIL.c.call).where(VOICEMAIL.c.call.in_(calls), VOICEMAIL.c.state.in_(done))
    return frozenset(session.scalars(query))


def delete(session: Session, organisation_id: int, voicemail_id: int, now: datetime) -> bool:
    """Delete a missed call or voicemail; its recording is erased next. Returns whether there was one to be deleted."""
    mine = VOICEMAIL.update().where(
        VOICEMAIL.c.organisation_id == organisation_id,
        VOICEMAIL.c.id == voicemail_id,
        VOICEMAIL.c.state.in_((VoicemailState.STORED, VoicemailState.MISSED)),
    )
    return cast("CursorResult[Any]", session.execute(mine.values(_deleted(now)))).rowcount == 1


def expire(session: Session, now: datetime) -> int:
    """Delete what is older than its organisation keeps it. Returns how many."""
    count = 0
    for organisation_id, days in session.execute(select(Organisation.id, Organisation.voicemail_days)).all():
        expired = VOICEMAIL.update().where(*_older(organisation_id, now - timedelta(days=days)))
        count += cast("CursorResult[Any]", session.execute(expired.values(_deleted(now)))).rowcount
    return count


def old(session: Session, now: datetime) -> bool:
    """Whether there is anything for `expire`: to ask is cheaper than to write."""
    keeps = select(Organisation.id, Organisation.voicemail_days)
    for organisation_id, days in session.execute(keeps).all():
        first = select(VOICEMAIL.c.id).where(*_older(organisation_id, now - timedelta(days=days))).limit(1)
        if session.execute(first).first() is not None:
            return True
    return False


def erased(session: Session, mine: Claimed) -> bool:
    """The store has it no more."""
    return _end(session, mine, {"store_key": None, "next_look": None})


def _older(organisation_id: int, moment: datetime) -> tuple[ColumnElement[bool], ...]:
    kept = VOICEMAIL.c.state.in_((VoicemailState.STORED, VoicemailState.MISSED))
    return VOICEMAIL.c.organisation_id == organisation_id, VOICEMAIL.c.began < moment, kept


def _deleted(now: datetime) -> dict[str, Any]:
    return {"state": VoicemailState.DELETED, "deleted_at": now, "next_look": now, "tries": 0, "claim": None}


def _end(session: Session, mine: Claimed, values: dict[str, Any]) -> bool:
    ours = VOICEMAIL.update().where(VOICEMAIL.c.id == mine.id, VOICEMAIL.c.claim == mine.claim)
    return cast("CursorResult[Any]", session.execute(ours.values({**values, "claim": None}))).rowcount == 1
