"""The sounds of an organisation in the store, as the command line looks after them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from bizpbx import config, validation
from bizpbx.cli.frame import store
from bizpbx.directory import recording, sounds
from bizpbx.directory.applying import messages
from bizpbx.directory.database import Database
from bizpbx.directory.recording import Change
from bizpbx.directory.sound import Sound
from bizpbx.errors import InvalidText, NotFound, NotSpoken, Refused, StoreError
from bizpbx.voicemail import sounds as stored
from bizpbx.voicemail.speech import Speech
from bizpbx.voicemail.store import store_of

UPLOAD = "upload its file again with `bizpbx greeting upload`"


def digest_of(sound: str) -> str:
    """Raises InvalidText."""
    try:
        return validation.sound(sound).removeprefix(messages.AUDIO)
    except InvalidText as refused:
        raise refused.at("ID") from None


def deleted(database: Database, domain: str, asked: str | None, *, actor: str, dry_run: bool) -> list[Change]:
    """Delete a sound that nobody uses, or without one all such. First it is off the record, then out of the store: what
    dies in between leaves files, and no setting that names a sound without. Raises Refused, NotFound, StoreError."""
    files = store_of(config.load())
    with database.reading() as session:
        organisation_id = store.found(session, domain)
        going = [asked] if asked is not None else sounds.unused(session, organisation_id)
        shelf = {row.digest: stored.waves(files, domain, row.digest) for row in sounds.rows(session, organisation_id)}
    changes: list[Change] = []
    for digest in going:
        mine = shelf.pop(digest, None) or stored.waves(files, domain, digest)
        gone = _forgotten(database, domain, digest, actor, dry_run=dry_run)
        if not gone and not mine:
            raise NotFound("sound", f"{messages.AUDIO}{digest}", "`bizpbx greeting list` shows all.")
        changes += gone
        if dry_run:
            continue
        try:
            stored.remove(files, domain, digest, mine.difference(*shelf.values()))
        except StoreError as error:
            again = f"`bizpbx greeting delete {messages.AUDIO}{digest}` erases its files later."
            raise StoreError(f"{error} The sound is off the record; {again}") from None
    return changes


def _forgotten(database: Database, domain: str, digest: str, actor: str, *, dry_run: bool) -> list[Change]:
    with database.writing(keep=not dry_run) as session:
        recording.lock(session, domain)
        organisation_id = store.found(session, domain)
        users = messages.users(session, organisation_id).get(digest)
        if users:
            raise Refused(f"{messages.AUDIO}{digest} is used by {', '.join(users)}; give that another message first.")
        return sounds.forget(session, organisation_id, [digest], actor, datetime.now(UTC))


def faults(database: Database, domain: str, *, repair: bool, actor: str) -> tuple[int, list[dict[str, Any]]]:
    """How many sounds there are, and what is wrong with those that the store does not have as they were. With `repair`
    texts are spoken anew. Raises StoreError where the store is away."""
    files = store_of(config.load())
    with database.reading() as session:
        organisation_id = store.found(session, domain)
        users = messages.users(session, organisation_id)
        known: Sequence[Sound] = sounds.rows(session, organisation_id)
        session.expunge_all()
    found = []
    for row in known:
        fault = stored.fault(files, domain, row.digest)
        if fault is None:
            continue
        repaired, advice = _repaired(database, domain, row, actor) if repair else (False, _advice(row))
        found.append(
            {
                "sound": f"{messages.AUDIO}{row.digest}",
                "text": row.speech["text"] if row.speech else None,
                "used_by": users.get(row.digest, []),
                "fault": str(fault),
                "repaired": repaired,
                "advice": advice,
            }
        )
    return len(known), found


def _advice(row: Sound) -> str:
    return UPLOAD if row.speech is None else "`bizpbx greeting check --repair` speaks it anew"


def _repaired(database: Database, domain: str, row: Sound, actor: str) -> tuple[bool, str | None]:
    if row.speech is None:
        return False, UPLOAD
    speech = Speech(**row.speech)
    try:
        made = store.speaker().spoken(domain, speech)
    except NotSpoken as refused:
        return False, str(refused)
    with database.writing() as session:
        recording.lock(session, domain)
        organisation_id = store.found(session, domain)
        sounds.replace(session, organisation_id, row.digest, made, speech, actor, datetime.now(UTC))
    return True, None
