"""`bizpbx greeting`: what callers hear before the no-answer action of an extension."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from bizpbx.cli.frame import options

app = typer.Typer(
    no_args_is_help=True, help="What callers hear when nobody answers: texts that are spoken, and MP3 files."
)

Key = Annotated[str, typer.Argument(metavar="EXTENSION", help="Key of the extension.", show_default=False)]
File = Annotated[
    Path, typer.Argument(metavar="FILE.mp3", help="An MP3 file of at most 5 MB and 5 minutes; - reads stdin.")
]
COLUMNS = ("sound", "source", "seconds", "language", "text", "used_by")


@app.command("set")
def set_greeting(
    key: Key,
    text: Annotated[
        str | None,
        typer.Option("--text", help="Words that are spoken: one line of 1 to 450 characters.", show_default=False),
    ] = None,
    mp3: Annotated[
        Path | None,
        typer.Option(
            "--mp3",
            metavar="FILE",
            help="An MP3 file of at most 5 MB and 5 minutes; - reads stdin.",
            show_default=False,
        ),
    ] = None,
    sound: Annotated[
        str | None,
        typer.Option("--sound", metavar="ID", help="A sound that was uploaded, by its id.", show_default=False),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            "--language",
            help="Of the text: en, zh, en-GB. Default: what it has, else the organisation's.",
            show_default=False,
        ),
    ] = None,
    pitch: Annotated[
        int | None,
        typer.Option("--pitch", help="Of the voice: 0 (low) to 9 (high); 5 is as it is.", show_default=False),
    ] = None,
    rate: Annotated[
        int | None,
        typer.Option("--rate", help="Of the voice: 0 (slow) to 9 (fast); 5 is as it is.", show_default=False),
    ] = None,
    gender: Annotated[
        str | None, typer.Option("--gender", help="Of the voice: female or male.", show_default=False)
    ] = None,
    organisation: options.Organisation = None,
    actor: options.Actor = None,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Set the greeting of an extension: a text, an MP3 file, or a sound that was uploaded before.

    A text is spoken, and a file decoded, before anything is changed. The next call hears it. With a voice's options
    alone the text that is there is spoken anew.

    Examples:

      bizpbx greeting set 100 --text "Nobody is here. Please leave a message." --language en-GB --rate 4

      bizpbx greeting set 100 --mp3 closed.mp3
    """
    from bizpbx.cli.frame import changing, greetings, store
    from bizpbx.directory.applying.messages import AUDIO
    from bizpbx.errors import Refused

    voice = {"language": language, "pitch": pitch, "rate": rate, "gender": gender}
    told = {name: value for name, value in voice.items() if value is not None}
    if sum(one is not None for one in (text, mp3, sound)) > 1 or (told and (mp3 or sound)):
        raise Refused("Give one of --text, --mp3 and --sound; only a text has a voice.")
    with store.opened() as database:
        domain, document = greetings.extension(database, organisation, key)
        uploads = []
        if mp3 is not None:
            uploads.append(greetings.uploaded(domain, mp3, dry_run=dry_run))
            sound = f"{AUDIO}{uploads[0].digest}"
        if sound is not None:
            message: dict[str, Any] = {"audio": sound}
        else:
            before = (document["no_answer"]["message"] or {}).get("tts") or {
                "language": greetings.language(database, domain)
            }
            message = {"tts": before | told | ({"text": text} if text is not None else {})}
            if "text" not in message["tts"]:
                raise Refused(f"Say what {key} is to say: --text, --mp3 or --sound.")
        document["no_answer"]["message"] = message
        applied = changing.change_one(
            database, domain, "extensions", document, actor=actor, dry_run=dry_run, uploads=uploads
        )
    changing.print_applied(applied, as_json=as_json, dry_run=dry_run)


@app.command("play-info")
def play_info(key: Key, organisation: options.Organisation = None, as_json: options.Json = False) -> None:
    """Tell what callers of an extension hear, what it was made from, how long it takes, and where else it is used.

    `file` is what the switch on this machine is told to play, without the rate that it looks below; null: it is not
    here yet.

    Example:

      bizpbx greeting play-info 100
    """
    from bizpbx import config
    from bizpbx.cli.frame import greetings, output, store
    from bizpbx.directory.export import find

    with store.opened() as database:
        domain, document = greetings.extension(database, organisation, key)
        with database.reading() as session:
            digest = greetings.digest(session, find(session, domain), key)
            found = greetings.sounds(session, find(session, domain), digest) if digest is not None else []
        file = greetings.file(config.load(), domain, digest) if digest is not None else None
    told = greetings.played(document, found[0] if found else None, file)
    (output.print_json if as_json else output.print_fields)(told)


@app.command("remove")
def remove(
    key: Key,
    organisation: options.Organisation = None,
    actor: options.Actor = None,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Take the greeting of an extension away. A voicemail then has the usual announcement; the sound can be used again.

    Example:

      bizpbx greeting remove 100
    """
    from bizpbx.cli.frame import changing, greetings, store

    with store.opened() as database:
        domain, document = greetings.extension(database, organisation, key)
        document["no_answer"]["message"] = None
        applied = changing.change_one(database, domain, "extensions", document, actor=actor, dry_run=dry_run)
    changing.print_applied(applied, as_json=as_json, dry_run=dry_run)


@app.command("upload")
def upload(
    file: File,
    organisation: options.Organisation = None,
    actor: options.Actor = None,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Upload an MP3 file for an organisation, and print its id: what `audio` of a message in a settings file names.

    Example:

      bizpbx greeting upload closed.mp3
    """
    import sys

    from bizpbx.cli.frame import changing, greetings, store
    from bizpbx.directory.applying.messages import AUDIO
    from bizpbx.directory.schema import Organisation, Settings

    with store.opened() as database:
        with database.reading() as session:
            domain = store.domain(session, organisation)
        made = greetings.uploaded(domain, file, dry_run=dry_run)
        only = Settings(organisation=Organisation(domain=domain))
        applied = changing.change(database, only, actor=actor, dry_run=dry_run, uploads=[made])
    sound = f"{AUDIO}{made.digest}"
    if as_json:
        changing.print_applied(
            applied, as_json=True, dry_run=dry_run, sound=sound, seconds=round(made.milliseconds / 1000, 1)
        )
    else:
        sys.stdout.write(f"{sound}\n")
        changing.tell_dry_run(dry_run)


@app.command("list")
def list_all(organisation: options.Organisation = None, as_json: options.Json = False) -> None:
    """List the sounds of an organisation, the newest first, with what uses them.

    Example:

      bizpbx greeting list
    """
    from bizpbx.cli.frame import greetings, output, store
    from bizpbx.directory.export import find

    with store.opened() as database, database.reading() as session:
        rows = greetings.sounds(session, find(session, store.domain(session, organisation)))
    if as_json:
        output.print_json(rows)
    else:
        output.print_table(COLUMNS, rows)


@app.command("delete")
def delete(
    sound: Annotated[
        str | None,
        typer.Argument(metavar="ID", help="Of the sound, as `greeting list` prints it.", show_default=False),
    ] = None,
    unused: Annotated[bool, typer.Option("--unused", help="All sounds that no setting names.")] = False,
    organisation: options.Organisation = None,
    actor: options.Actor = None,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Delete a sound that nothing uses any more, from the record and from the store. A text can be spoken again, a file
    has to be uploaded again.

    Examples:

      bizpbx greeting delete --unused --dry-run

      bizpbx greeting delete sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    """
    from bizpbx.cli.frame import changing, output, sounds, store
    from bizpbx.errors import Refused

    if (sound is None) != unused:
        raise Refused("Give the ID of a sound, or --unused for all that no setting names.")
    with store.opened() as database:
        with database.reading() as session:
            domain = store.domain(session, organisation)
        asked = sounds.digest_of(sound) if sound is not None else None
        with output.progress("deleting"):
            changes = sounds.deleted(database, domain, asked, actor=store.actor(actor), dry_run=dry_run)
    if as_json:
        output.print_json({"dry_run": dry_run, "deleted": [change.name for change in changes]})
        return
    for change in changes:
        typer.echo(str(change))
    if not changes:
        typer.echo(f"{domain}: nothing to delete" if unused else "Its files are erased.")
    else:
        changing.tell_dry_run(dry_run)


@app.command("check")
def check(
    repair: Annotated[bool, typer.Option("--repair", help="Speak texts anew whose sound is lost.")] = False,
    organisation: options.Organisation = None,
    actor: options.Actor = None,
    as_json: options.Json = False,
) -> None:
    """Look for sounds that are lost or damaged in the store: each is read and compared. Exit code 1 if one is left.

    What was made of a text is spoken anew with --repair, by the engine of today; a file has to be uploaded again.

    Example:

      bizpbx greeting check --repair
    """
    from bizpbx.cli.frame import output, sounds, store

    with store.opened() as database:
        with database.reading() as session:
            domain = store.domain(session, organisation)
        with output.progress("reading"):
            count, found = sounds.faults(database, domain, repair=repair, actor=store.actor(actor))
    if as_json:
        output.print_json(found)
    elif found:
        output.print_table(("sound", "text", "used_by", "fault", "repaired", "advice"), found)
    else:
        typer.echo(f"{domain}: the store has all of {count} sounds")
    if not all(row["repaired"] for row in found):
        raise typer.Exit(1)
