"""Missed calls and voicemails as commands ask for them and print them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from bizpbx import validation
from bizpbx.cli.frame.calls import Home, moment, told
from bizpbx.errors import InvalidText, NotFound, Refused
from bizpbx.voicemail import finding
from bizpbx.voicemail.finding import Wanted
from bizpbx.voicemail.record import Voicemail, VoicemailState
from bizpbx.voicemail.store import Stored

NOUN = "voicemail"
UNDER_WAY = (VoicemailState.RECORDING, VoicemailState.RECORDED)


def wanted(
    home: Home, extension: str | None, state: str | None, since: str | None, until: str | None, heard: bool | None
) -> Wanted:
    """The filters as they were typed, checked. Raises InvalidText."""
    try:
        key = validation.extension_key(extension) if extension is not None else None
    except InvalidText as refused:
        raise refused.at("--extension") from None
    return Wanted(
        extension=key,
        state=VoicemailState(state) if state is not None else None,
        since=moment(since, home.zone, "--since", timedelta(0)),
        until=moment(until, home.zone, "--until", timedelta(days=1)),
        heard=heard,
    )


def one(session: Session, home: Home, voicemail_id: int) -> Voicemail:
    """Raises NotFound."""
    found = finding.one(session, home.id, voicemail_id)
    if found is None:
        raise NotFound(NOUN, str(voicemail_id), "`bizpbx voicemail list` shows all.")
    return found


def recording(found: Voicemail) -> tuple[str, Stored]:
    """Where the store has it, and what it has. Raises Refused where there is no recording, or none yet."""
    name = f"Voicemail {found.id}"
    if found.state in UNDER_WAY:
        raise Refused(f"{name} is not in the store yet; look again in some minutes.")
    if found.state is VoicemailState.MISSED:
        raise Refused(f"{name} is a missed call: there is no recording.")
    if found.state is VoicemailState.DELETED or found.store_key is None or found.sha256 is None or found.size is None:
        # The store may have it for a while yet. Nobody else has.
        raise Refused(f"{name} was deleted.")
    return found.store_key, Stored(found.sha256, found.size)


def file_name(found: Voicemail, home: Home) -> Path:
    """What a recording is called where nobody says: as in its mail."""
    return Path(f"voicemail-{found.extension}-{found.began.astimezone(home.zone):%Y%m%d-%H%M%S}.wav")


def described(found: Voicemail, home: Home) -> dict[str, Any]:
    """Stable; new fields are added at the end."""
    return {
        "id": found.id,
        "extension": found.extension,
        "state": str(found.state),
        "caller": found.caller,
        "caller_name": found.caller_name,
        "began": told(found.began, home.zone),
        "seconds": found.seconds,
        "note": None if found.note is None else str(found.note),
        "heard": told(found.heard_at, home.zone),
        "deleted": told(found.deleted_at, home.zone),
        "size": found.size,
        "sha256": found.sha256,
        "store_key": found.store_key,
        "switch": found.switch,
        "call": found.call,
    }
