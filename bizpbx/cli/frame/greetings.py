"""Greetings and the sounds of an organisation, as the command line prints and changes them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bizpbx.errors import NotFound, Refused

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from bizpbx.config import Config
    from bizpbx.directory.database import Database
    from bizpbx.voicemail.speech import Made


def extension(database: Database, organisation: str | None, key: str) -> tuple[str, dict[str, Any]]:
    """The organisation's domain, and the document of a normal extension. Raises NotFound, Refused."""
    from bizpbx.cli.frame import store
    from bizpbx.directory import documents
    from bizpbx.directory.export import find

    with database.reading() as session:
        domain = store.domain(session, organisation)
        found = documents.extensions(session, find(session, domain), [key])
    if key not in found:
        raise NotFound("extension", key, "`bizpbx extension list` shows all.")
    document = found[key]
    if document.get("no_answer") is None:
        raise Refused(f"{key} is a call-centre extension, which has no no-answer settings and so no greeting.")
    return domain, document


def uploaded(domain: str, file: Path, *, dry_run: bool) -> Made:
    """Put an MP3 file into the store. Raises Refused if it cannot be read, NotPlayable, StoreError."""
    import sys

    from bizpbx import config
    from bizpbx.cli.frame import output
    from bizpbx.voicemail import uploads
    from bizpbx.voicemail.store import store_of

    try:
        if str(file) == "-":
            data = sys.stdin.buffer.read(uploads.MOST_BYTES + 1)
        else:
            with file.open("rb") as opened:
                data = opened.read(uploads.MOST_BYTES + 1)
    except OSError as error:
        raise Refused(f"Cannot read {file}: {error.strerror}.") from None
    with output.progress("decoding"):
        return uploads.upload(store_of(config.load()), domain, data, dry_run=dry_run)


def sounds(session: Session, organisation_id: int, digest: str | None = None) -> list[dict[str, Any]]:
    """Every sound of an organisation, or one: the newest first."""
    from sqlalchemy import select

    from bizpbx.directory.applying import messages
    from bizpbx.directory.sound import Sound

    query = select(Sound).where(Sound.organisation_id == organisation_id)
    if digest is not None:
        query = query.where(Sound.digest == digest)
    used = messages.users(session, organisation_id)
    return [
        {
            "sound": f"{messages.AUDIO}{row.digest}",
            "source": str(row.source),
            "seconds": round(row.milliseconds / 1000, 1),
            "text": row.speech["text"] if row.speech else None,
            "language": row.speech["language"] if row.speech else None,
            "made_at": row.made_at.isoformat(),
            "used_by": used.get(row.digest, []),
        }
        for row in session.scalars(query.order_by(Sound.made_at.desc(), Sound.digest))
    ]


def played(document: dict[str, Any], sound: dict[str, Any] | None, file: str | None) -> dict[str, Any]:
    """What is played before the no-answer action of an extension."""
    no_answer = document["no_answer"]
    message = no_answer["message"]
    return {
        "extension": document["key"],
        "action": no_answer["action"],
        "played": message is not None and no_answer["action"] != "forward",
        "message": message,
        "sound": sound["sound"] if sound else None,
        "source": sound["source"] if sound else None,
        "seconds": sound["seconds"] if sound else None,
        "rates": list(rates()) if sound else [],
        "made_at": sound["made_at"] if sound else None,
        "used_by": sound["used_by"] if sound else [],
        "file": file,
    }


def rates() -> tuple[int, ...]:
    from bizpbx.prompts import RATES

    return RATES


def language(database: Database, domain: str) -> str:
    """That of an organisation."""
    from bizpbx.directory import documents
    from bizpbx.directory.export import find

    with database.reading() as session:
        return str(documents.organisation(session, find(session, domain))["language"])


def digest(session: Session, organisation_id: int, key: str) -> str | None:
    """Of the sound that is the greeting of an extension."""
    from sqlalchemy import select

    from bizpbx.directory.extension import Extension
    from bizpbx.directory.sound import Greeting

    found: str | None = session.scalar(
        select(Greeting.sound)
        .join(
            Extension, (Extension.organisation_id == Greeting.organisation_id) & (Extension.id == Greeting.extension_id)
        )
        .where(Greeting.organisation_id == organisation_id, Extension.key == key)
    )
    return found


def file(config: Config, domain: str, digest: str) -> str | None:
    """What the switch on this machine is told to play of a sound; None where it is not here."""
    from bizpbx.freeswitch.sound_folder import SoundFolder
    from bizpbx.voicemail.sounds import list_key, place_name

    folder, name = SoundFolder(config.sounds_folder), place_name(list_key(domain, digest))
    return str(folder.place(name)) if folder.whole(name) else None
