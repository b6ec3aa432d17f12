"""Who is told of missed calls and voicemails of a key."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from bizpbx.directory.extension import Extension
from bizpbx.policy.settings import ExtensionType


def recipients(session: Session, organisation_id: int, key: str) -> list[str]:
    """The addresses in force now; none of a key that is no extension any more."""
    found = session.execute(
        select(Extension.no_answer_emails).where(
            Extension.organisation_id == organisation_id,
            Extension.key == key,
            Extension.type == ExtensionType.NORMAL,
        )
    ).scalar_one_or_none()
    return list(found or ())
