"""The sounds that an organisation has on record: which nobody uses, and what takes the place of one that is lost.

In transactions of the caller's, which passes the time. The organisation is held meanwhile, as by any other change.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from bizpbx.directory import recording
from bizpbx.directory.applying import messages
from bizpbx.directory.recording import Change
from bizpbx.directory.sound import Greeting, Sound
from bizpbx.directory.virtual_line import LineStep
from bizpbx.voicemail.speech import Made, Speech

NOUN = "sound"


def rows(session: Session, organisation_id: int, digest: str | None = None) -> Sequence[Sound]:
    """All of them, or one: the newest first."""
    query = select(Sound).where(Sound.organisation_id == organisation_id)
    if digest is not None:
        query = query.where(Sound.digest == digest)
    return session.scalars(query.order_by(Sound.made_at.desc(), Sound.digest)).all()


def unused(session: Session, organisation_id: int) -> list[str]:
    """Digests of those that no setting names."""
    used = messages.users(session, organisation_id)
    return [row.digest for row in rows(session, organisation_id) if row.digest not in used]


def forget(session: Session, organisation_id: int, digests: Sequence[str], actor: str, at: datetime) -> list[Change]:
    """Take sounds that nobody uses off the record; returns what was."""
    ours = Sound.organisation_id == organisation_id
    gone = [row for digest in digests for row in rows(session, organisation_id, digest)]
    changes = [Change(NOUN, f"{messages.AUDIO}{row.digest}", "", told(row), None) for row in gone]
    if changes:
        session.execute(delete(Sound).where(ours, Sound.digest.in_([row.digest for row in gone])))
        recording.record(session, organisation_id, changes, actor, at)
    return changes


def replace(
    session: Session, organisation_id: int, lost: str, made: Made, speech: Speech, actor: str, at: datetime
) -> None:
    """What is `made` of a text is played wherever the sound was that is lost. They may have the same name; then it is
    in the store again, and nothing else changes."""
    if made.digest == lost:
        return
    if made.digest not in {row.digest for row in rows(session, organisation_id, made.digest)}:
        messages.note(session, organisation_id, made, speech, at)
    changes = [Change(NOUN, f"{messages.AUDIO}{lost}", "replaced_by", None, f"{messages.AUDIO}{made.digest}")]
    for table in (Greeting, LineStep):
        session.execute(
            update(table)
            .where(table.organisation_id == organisation_id, table.sound == lost)
            .values(sound=made.digest)
            .execution_options(synchronize_session=False)
        )
    session.execute(delete(Sound).where(Sound.organisation_id == organisation_id, Sound.digest == lost))
    recording.record(session, organisation_id, changes, actor, at)


def told(row: Sound) -> dict[str, Any]:
    return {"source": str(row.source), "milliseconds": row.milliseconds}
