"""Messages to callers, wherever a settings file has them: the sound of each is there before anything is written."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from bizpbx.directory import schema
from bizpbx.directory.applying.work import Work
from bizpbx.directory.database import Database
from bizpbx.directory.documents import Document
from bizpbx.directory.extension import Extension
from bizpbx.directory.organisation import Organisation
from bizpbx.directory.recording import Change
from bizpbx.directory.schema_types import Message
from bizpbx.directory.sound import Greeting, Sound, SoundSource
from bizpbx.directory.virtual_line import LineStep, VirtualLine
from bizpbx.errors import InvalidSettings, NotSpoken
from bizpbx.voicemail.speech import Made, Speaker, Speech

AUDIO = "sha256:"


@dataclass(frozen=True, slots=True)
class Spoken:
    """The sounds of a file's texts. `digests`: by text, see `name`; `made`: those that were not in use before;
    `uploads`: those that come along with the file."""

    digests: dict[str, str] = field(default_factory=dict)
    made: tuple[tuple[Speech, Made], ...] = ()
    uploads: tuple[Made, ...] = ()


def among(settings: schema.Settings) -> Iterator[tuple[str, Message]]:
    """(path, message) of every message in a file."""
    for position, extension in enumerate(settings.extensions or ()):
        if extension.no_answer is not None and extension.no_answer.message is not None:
            yield f"extensions[{position}].no_answer.message", extension.no_answer.message
    for position, line in enumerate(settings.virtual_lines or ()):
        for number, step in enumerate(line.steps):
            path = f"virtual_lines[{position}].steps[{number}]"
            if step.play is not None:
                yield f"{path}.play.message", step.play.message
            if step.gather is not None and step.gather.message is not None:
                yield f"{path}.gather.message", step.gather.message


def in_use(session: Session, domain: str) -> Iterator[tuple[Document, str]]:
    """(message, digest) of every message that an organisation has in its settings."""
    for table in (Greeting, LineStep):
        query = (
            select(table.message, table.sound)
            .join(Organisation, Organisation.id == table.organisation_id)
            .where(Organisation.domain == domain, table.sound.is_not(None))
        )
        yield from map(tuple, session.execute(query))


def users(session: Session, organisation_id: int) -> dict[str, list[str]]:
    """Digest → what uses that sound, in the order of their keys: `extension 100`, `virtual-line 600`."""
    greetings = select(Greeting.sound, Extension.key).join(
        Extension, (Extension.organisation_id == Greeting.organisation_id) & (Extension.id == Greeting.extension_id)
    )
    steps = select(LineStep.sound, VirtualLine.key).join(
        VirtualLine, (VirtualLine.organisation_id == LineStep.organisation_id) & (VirtualLine.id == LineStep.line_id)
    )
    found: dict[str, list[str]] = {}
    for noun, query, table in (("extension", greetings, Greeting), ("virtual-line", steps, LineStep)):
        mine = query.where(table.organisation_id == organisation_id, table.sound.is_not(None)).distinct()
        for digest, key in sorted(session.execute(mine), key=lambda row: row[1]):
            found.setdefault(str(digest), []).append(f"{noun} {key}")
    return found


def speak(
    database: Database,
    settings: schema.Settings,
    speaker: Callable[[], Speaker] | None,
    uploads: Collection[Made] = (),
    *,
    dry_run: bool,
) -> Spoken:
    """Make the sounds of the texts in a file that the organisation does not have yet. Before its transaction: a voice
    takes its time, and nobody waits for it. Raises InvalidSettings.

    What is in use stays as it is, whoever spoke it: only a new text is spoken by the engine of today. What was made
    before and is in use no more is found again.
    """
    texts = [(path, message.tts) for path, message in among(settings) if message.tts is not None]
    if not texts:
        return Spoken(uploads=tuple(uploads))
    domain = settings.organisation.domain
    with database.reading() as session:
        digests = {name(message["tts"]): digest for message, digest in in_use(session, domain) if "tts" in message}
        known = known_sounds(session, domain)
    voice: Speaker | None = None
    made: list[tuple[Speech, Made]] = []
    problems: list[tuple[str, str, str]] = []
    for path, tts in texts:
        document = tts.model_dump()
        if name(document) in digests:
            continue
        try:
            if speaker is None:
                raise NotSpoken("there is nothing here that speaks texts.")
            speech = Speech(**document)
            voice = voice or speaker()
            one = voice.planned(speech)
            if one.digest not in known and not dry_run:
                one = voice.spoken(domain, speech)
        except NotSpoken as refused:
            problems.append((f"{path}.tts", refused.code, str(refused)))
            continue
        digests[name(document)] = one.digest
        if one.digest not in known:
            made.append((speech, one))
    if problems:
        raise InvalidSettings(problems)
    return Spoken(digests, tuple(made), tuple(uploads))


def known_sounds(session: Session, domain: str) -> frozenset[str]:
    """Digests of all sounds that an organisation has."""
    query = (
        select(Sound.digest)
        .join(Organisation, Organisation.id == Sound.organisation_id)
        .where(Organisation.domain == domain)
    )
    return frozenset(session.scalars(query))


def keep(work: Work, spoken: Spoken) -> None:
    """Note the sounds that were made, and know those of the organisation."""
    work.sounds = set(known_sounds(work.session, work.domain))
    for one in spoken.uploads:
        if one.digest not in work.sounds:
            note(work.session, work.organisation_id, one, None, work.at)
            work.sounds.add(one.digest)
            told = {"source": one.source, "milliseconds": one.milliseconds}
            work.changes.append(Change("sound", f"{AUDIO}{one.digest}", "", None, told))
    for speech, one in spoken.made:
        if one.digest not in work.sounds:
            note(work.session, work.organisation_id, one, speech, work.at)
            work.sounds.add(one.digest)
    work.spoken = spoken.digests


def note(session: Session, organisation_id: int, made: Made, speech: Speech | None, at: datetime) -> None:
    row = {
        "organisation_id": organisation_id,
        "digest": made.digest,
        "source": SoundSource(made.source),
        "speech": speech.fields() if speech is not None else None,
        "milliseconds": made.milliseconds,
        "made_at": at,
    }
    session.execute(insert(Sound), [row])


def sound(work: Work, path: str, message: Document) -> str:
    """Digest of the sound of a message as it is stored, `{"tts": …}` or `{"audio": …}`. Notes a problem at `path` if
    the organisation has none such."""
    if "tts" in message:
        return work.spoken[name(message["tts"])]
    digest: str = message["audio"].removeprefix(AUDIO)
    if digest not in work.sounds:
        sentence = "is no sound of this organisation; upload one with `bizpbx greeting upload`, which prints its id."
        work.problem(f"{path}.audio", "unknown", sentence)
    return digest


def name(tts: Document) -> str:
    """A text with all that shapes its sound, as one that can be looked up."""
    return json.dumps(tts, sort_keys=True)
