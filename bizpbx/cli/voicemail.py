"""`bizpbx voicemail`: missed calls and voicemails, and their recordings."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bizpbx.cli.frame import options

app = typer.Typer(no_args_is_help=True, help="Missed calls and voicemails, and their recordings.")


class State(StrEnum):
    RECORDING = "recording"
    RECORDED = "recorded"
    STORED = "stored"
    MISSED = "missed"
    DELETED = "deleted"


Id = Annotated[int, typer.Argument(metavar="ID", help="As `voicemail list` shows it.", show_default=False)]


@app.command("list")
def list_all(
    extension: Annotated[str | None, typer.Option("--extension", metavar="KEY", help="Only of this extension.")] = None,
    state: Annotated[
        State | None,
        typer.Option(
            "--state", help="Only such: recording, recorded, stored, missed, deleted. Default: all but deleted."
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="TIME",
            help="Those that began then or later: a day, or a time such as 2026-05-01T14:00, of the organisation.",
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="Those that began before then; a day is counted in.")
    ] = None,
    heard: Annotated[
        bool | None, typer.Option("--heard/--new", help="Only recordings that were, or were not, heard by phone.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="At most so many, the newest.")] = 100,
    organisation: options.Organisation = None,
    as_json: options.Json = False,
) -> None:
    """List missed calls and voicemails, the newest first, in the time of the organisation.

    A state is recording (the call is going on), recorded (the file is on its way into the store), stored, missed (a
    missed call; where something was recorded, the note says why it is none) or deleted.

    Example:

      bizpbx voicemail list --extension 100 --new --since 2026-05-01
    """
    from bizpbx.cli.frame import calls, output, store, voicemails
    from bizpbx.voicemail import finding

    with store.opened() as database, database.reading() as session:
        home = calls.organisation(session, store.domain(session, organisation))
        asked = voicemails.wanted(home, extension, state, since, until, heard)
        rows = [voicemails.described(row, home) for row in finding.find(session, home.id, asked, limit)]
    if as_json:
        output.print_json(rows)
    else:
        columns = ("id", "extension", "state", "caller", "caller_name", "began", "seconds", "heard", "note")
        output.print_table(columns, rows)


@app.command("show")
def show(voicemail_id: Id, organisation: options.Organisation = None, as_json: options.Json = False) -> None:
    """Show a missed call or voicemail: also where its recording is, and what is known of the file.

    Example:

      bizpbx voicemail show 17
    """
    from bizpbx.cli.frame import calls, output, store, voicemails

    with store.opened() as database, database.reading() as session:
        home = calls.organisation(session, store.domain(session, organisation))
        row = voicemails.described(voicemails.one(session, home, voicemail_id), home)
    if as_json:
        output.print_json(row)
    else:
        output.print_fields(row)


@app.command("fetch")
def fetch(
    voicemail_id: Id,
    to: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help="Where to write it; default: voicemail-EXTENSION-TIME.wav in this folder. No file is written over.",
            show_default=False,
        ),
    ] = None,
    organisation: options.Organisation = None,
    actor: options.Actor = None,
    as_json: options.Json = False,
) -> None:
    """Write the recording of a voicemail to a file (WAV), which only this user can read.

    The file is there whole, and compared with what was recorded, or not at all. Who fetched it is in the audit trail.

    Example:

      bizpbx voicemail fetch 17 message.wav
    """
    from datetime import UTC, datetime

    from bizpbx import config
    from bizpbx.cli.frame import calls, output, store, voicemails
    from bizpbx.directory.recording import Change, record
    from bizpbx.voicemail.fetching import fetched
    from bizpbx.voicemail.store import store_of

    files = store_of(config.load())
    with store.opened() as database:
        with database.reading() as session:
            home = calls.organisation(session, store.domain(session, organisation))
            found = voicemails.one(session, home, voicemail_id)
            key, stored = voicemails.recording(found)
            path = to or voicemails.file_name(found, home)
            extension = found.extension
        with fetched(files, key, stored, path) as copy:
            with database.writing() as session:
                change = Change(voicemails.NOUN, str(voicemail_id), "fetched_of", None, extension)
                record(session, home.id, [change], store.actor(actor), datetime.now(UTC))
            # Nobody gets a recording without a line about it.
            copy.place()
    if as_json:
        output.print_json({"id": voicemail_id, "file": str(path), "size": stored.bytes, "sha256": stored.sha256})
    else:
        typer.echo(f"Voicemail {voicemail_id} is in {path} ({stored.bytes} bytes).")


@app.command("delete")
def delete(
    voicemail_id: Id,
    organisation: options.Organisation = None,
    actor: options.Actor = None,
    as_json: options.Json = False,
) -> None:
    """Delete a missed call or voicemail. Its recording is erased from the store within seconds of `bizpbx serve`.

    Example:

      bizpbx voicemail delete 17
    """
    from datetime import UTC, datetime

    from bizpbx.cli.frame import calls, output, store, voicemails
    from bizpbx.directory.recording import Change, record
    from bizpbx.errors import Refused
    from bizpbx.voicemail import collecting
    from bizpbx.voicemail.record import VoicemailState

    now = datetime.now(UTC)
    with store.opened() as database, database.writing() as session:
        home = calls.organisation(session, store.domain(session, organisation))
        before = str(voicemails.one(session, home, voicemail_id).state)
        deleted = collecting.delete(session, home.id, voicemail_id, now)
        if deleted:
            change = Change(voicemails.NOUN, str(voicemail_id), "state", before, str(VoicemailState.DELETED))
            record(session, home.id, [change], store.actor(actor), now)
        elif before != VoicemailState.DELETED:
            raise Refused(f"Voicemail {voicemail_id} is not in the store yet; delete it in some minutes.")
    if as_json:
        output.print_json({"id": voicemail_id, "before": before})
    elif deleted:
        typer.echo(f"Voicemail {voicemail_id} is deleted.")
    else:
        typer.echo(f"Voicemail {voicemail_id} was deleted before.")
