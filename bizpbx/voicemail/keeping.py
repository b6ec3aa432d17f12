"""Calls that nobody took, put on file once each. All in a transaction of the caller's, which passes its clock.

That a call was missed is known from the switch's own record of the caller's leg, and from nothing else. A recording is
entered before it is made; so the record of its leg finds a row, and makes no missed call of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from bizpbx.directory.organisation import Organisation
from bizpbx.errors import NotFound
from bizpbx.mail import queue
from bizpbx.metering.leg import LegRecord
from bizpbx.policy.plan import Kept
from bizpbx.voicemail.recipients import recipients
from bizpbx.voicemail.record import VOICEMAIL, VoicemailState

OVERDUE: Final = timedelta(minutes=5)
"""A recording that ought to have ended so long ago has: the record of its leg is lost, and the file is looked for."""

MISSED_CALL: Final = "missed-call"
"""Template."""


def begin(session: Session, domain: str, switch: str, call: str, kept: Kept, longest: int, now: datetime) -> None:
    """Enter a recording of at most `longest` seconds that is about to be made. One that is entered is left alone.
    Raises NotFound if the organisation is gone."""
    organisation_id = _organisation(session, domain)
    if organisation_id is None:
        raise NotFound("organisation", domain)
    row = _row(organisation_id, switch, call, kept, now) | {
        "state": VoicemailState.RECORDING,
        "longest": longest,
        "next_look": now + timedelta(seconds=longest) + OVERDUE,
    }
    _insert(session, row)


def keep(session: Session, legs: Iterable[LegRecord], now: datetime) -> int:
    """Put the calls of these legs on file, as far as nobody took them. Returns how many missed calls there were."""
    missed = 0
    for leg in legs:
        organisation_id = _organisation(session, leg.organisation) if leg.organisation is not None else None
        if leg.kept is None or organisation_id is None or _recorded(session, leg, now):
            continue
        row = _row(organisation_id, leg.switch, leg.leg, leg.kept, leg.started)
        if _insert(session, row | {"state": VoicemailState.MISSED, "longest": 0, "next_look": None}):
            missed += 1
            tell_missed(session, organisation_id, leg.leg, leg.kept.mailbox, _details(row), now)
    return missed


def tell_missed(
    session: Session, organisation_id: int, call: str, extension: str, details: dict[str, Any], now: datetime
) -> None:
    """Queue the mails about a missed call. Who was told of this call before, in whatever way, is not told again."""
    told = recipients(session, organisation_id, extension)
    queue.put(session, organisation_id, mail_key(call), told, MISSED_CALL, {"note": None, **details}, now)


def mail_key(call: str) -> str:
    """What mails about one call have in common."""
    return f"unanswered/{call}"


def _recorded(session: Session, leg: LegRecord, now: datetime) -> bool:
    """Whether the call has a row; one that was recording is over."""
    mine = (VOICEMAIL.c.switch == leg.switch, VOICEMAIL.c.call == leg.leg)
    over = {"state": VoicemailState.RECORDED, "next_look": now}
    session.execute(VOICEMAIL.update().where(*mine, VOICEMAIL.c.state == VoicemailState.RECORDING).values(over))
    return session.execute(select(VOICEMAIL.c.id).where(*mine)).first() is not None


def _row(organisation_id: int, switch: str, call: str, kept: Kept, began: datetime) -> dict[str, Any]:
    return {
        "organisation_id": organisation_id,
        "extension": kept.mailbox,
        "switch": switch,
        "call": call,
        "caller": kept.caller,
        "caller_name": kept.name,
        "began": began,
        "tries": 0,
    }


def _details(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "extension": row["extension"],
        "caller": row["caller"],
        "caller_name": row["caller_name"],
        "began": row["began"].isoformat(),
    }


def _insert(session: Session, row: dict[str, Any]) -> bool:
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    insert = dialect.insert(VOICEMAIL).values(row).on_conflict_do_nothing(index_elements=["switch", "call"])
    return session.execute(insert.returning(VOICEMAIL.c.id)).first() is not None


def _organisation(session: Session, domain: str) -> int | None:
    return session.execute(select(Organisation.id).where(Organisation.domain == domain)).scalar_one_or_none()
