"""Which missed calls and voicemails there are. All of one organisation; the newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bizpbx.voicemail.record import Voicemail, VoicemailState


@dataclass(frozen=True, slots=True)
class Wanted:
    """Filters; None: whatever it is. Without a state, all but what was deleted."""

    extension: str | None = None
    """Key."""
    state: VoicemailState | None = None
    since: datetime | None = None
    """Those that began then or later."""
    until: datetime | None = None
    """Those that began before."""
    heard: bool | None = None
    """Whether the recording was listened to by phone. Of what has no recording that is neither."""


def find(session: Session, organisation_id: int, wanted: Wanted, limit: int) -> Sequence[Voicemail]:
    """At most so many, the newest first."""
    query = select(Voicemail).where(Voicemail.organisation_id == organisation_id)
    if wanted.extension is not None:
        query = query.where(Voicemail.extension == wanted.extension)
    if wanted.state is not None:
        query = query.where(Voicemail.state == wanted.state)
    else:
        query = query.where(Voicemail.state != VoicemailState.DELETED)
    if wanted.since is not None:
        query = query.where(Voicemail.began >= wanted.since)
    if wanted.until is not None:
        query = query.where(Voicemail.began < wanted.until)
    if wanted.heard is not None:
        heard = Voicemail.heard_at.is_not(None) if wanted.heard else Voicemail.heard_at.is_(None)
        query = query.where(heard, Voicemail.state == VoicemailState.STORED)
    return session.scalars(query.order_by(Voicemail.began.desc(), Voicemail.id.desc()).limit(limit)).all()


def one(session: Session, organisation_id: int, voicemail_id: int) -> Voicemail | None:
    """The one with this number, whatever its state; None if the organisation has none."""
    query = select(Voicemail).where(Voicemail.organisation_id == organisation_id, Voicemail.id == voicemail_id)
    return session.execute(query).scalar_one_or_none()
