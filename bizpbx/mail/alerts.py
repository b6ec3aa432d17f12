"""What an organisation's people ought to hear of at once, as mails in the outbox."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from bizpbx.directory.organisation import Organisation
from bizpbx.mail import queue

PASSCODE_LOCKED: Final = "passcode-locked"
"""Template, and beginning of the key."""

PIN_LOCKED: Final = "pin-locked"

GUARD_REFUSED: Final = "guard-refused"


def alert(
    session: Session,
    organisation_id: int,
    key: str,
    template: str,
    details: Mapping[str, Any],
    now: datetime,
    also: Collection[str] = (),
) -> None:
    """Queue a mail to each address of the organisation's `alerts`, and to those of `also`, in a transaction of the
    caller's. Who was told of `key` before is not told again."""
    addresses = session.execute(select(Organisation.alerts).where(Organisation.id == organisation_id)).scalar_one()
    queue.put(session, organisation_id, key, {*addresses, *also}, template, details, now)
