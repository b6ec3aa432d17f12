"""`bizpbx call`: the calls on record."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from bizpbx.cli.frame import options

app = typer.Typer(no_args_is_help=True, help="Calls on record: who called whom, why it went there, and how it ended.")

LONGEST_LIST = 100_000


class Direction(StrEnum):
    INTERNAL = "internal"
    INCOMING = "incoming"
    OUTGOING = "outgoing"


class Form(StrEnum):
    CSV = "csv"
    JSON = "json"


From = Annotated[
    str | None,
    typer.Option("--from", metavar="WHO", help="Key or number that called; `+65*` is all that start with it."),
]
To = Annotated[str | None, typer.Option("--to", metavar="WHOM", help="Key or number that was called, in the same way.")]
Extension = Annotated[
    str | None, typer.Option("--extension", metavar="KEY", help="Calls that it placed, got or answered.")
]
Since = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="TIME",
        help="Calls that began then or later: a day, or a time such as 2026-05-01T14:00, of the organisation.",
    ),
]
Until = Annotated[
    str | None, typer.Option("--until", metavar="TIME", help="Calls that began before then; a day is counted in.")
]
Cause = Annotated[str | None, typer.Option("--cause", help="Calls that ended with it, such as USER_BUSY.")]
MinTalked = Annotated[
    int | None, typer.Option("--min-talked", min=0, help="Calls that were talked for so many seconds.")
]
InDirection = Annotated[Direction | None, typer.Option("--direction", help="Only such calls.")]
Answered = Annotated[bool | None, typer.Option("--answered/--unanswered", help="Only such calls.")]


@app.command("list")
def list_all(
    caller: From = None,
    called: To = None,
    extension: Extension = None,
    since: Since = None,
    until: Until = None,
    cause: Cause = None,
    min_talked: MinTalked = None,
    direction: InDirection = None,
    answered: Answered = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=LONGEST_LIST, help="The newest so many.")] = 50,
    before: Annotated[
        int | None, typer.Option("--before", metavar="ID", help="Go on after this call of an earlier list.")
    ] = None,
    organisation: options.Organisation = None,
    as_json: options.Json = False,
) -> None:
    """List calls, the newest first, in the time of the organisation.

    Examples:

      bizpbx call list --extension 100 --since 2026-05-01

      bizpbx call list --direction outgoing --to '+65*' --min-talked 60 --json
    """
    from bizpbx.cli.frame import calls, output, store

    asked = calls.Asked(caller, called, extension, since, until, cause, min_talked, direction, answered)
    with store.opened() as database, database.reading() as session:
        place = calls.organisation(session, store.domain(session, organisation))
        rows = list(calls.rows(session, place, asked, limit, before))
    if as_json:
        output.print_json(rows)
        return
    output.print_table(
        ("id", "started", "direction", "from", "to", "answered_by", "rang", "talked", "cause", "cost"), rows
    )
    if len(rows) == limit:
        typer.echo(f"The newest {limit}; `--before {rows[-1]['id']}` goes on, and `--limit` lists more.", err=True)


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(metavar="CALL", help="Its id in the list, or the switch's name for it.")],
    organisation: options.Organisation = None,
    as_json: options.Json = False,
) -> None:
    """Show a call with every leg of it, and why it went where it went.

    Example:

      bizpbx call show 17
    """
    from bizpbx.cli.frame import calls, output, store
    from bizpbx.errors import NotFound

    with store.opened() as database, database.reading() as session:
        place = calls.organisation(session, store.domain(session, organisation))
        found = calls.one(session, place, name)
    if found is None:
        raise NotFound("call", name, "`bizpbx call list` shows all.")
    if as_json:
        output.print_json(found)
        return
    legs: list[dict[str, Any]] = found.pop("legs")
    output.print_fields(found)
    typer.echo()
    for line in calls.ladder(found, legs):
        typer.echo(line)


@app.command("export")
def export(
    form: Annotated[Form, typer.Option("--format", help="What to write.")] = Form.CSV,
    caller: From = None,
    called: To = None,
    extension: Extension = None,
    since: Since = None,
    until: Until = None,
    cause: Cause = None,
    min_talked: MinTalked = None,
    direction: InDirection = None,
    answered: Answered = None,
    organisation: options.Organisation = None,
) -> None:
    """Write all calls that fit to the standard output, the newest first, however many they are.

    A text in CSV that a spreadsheet would take for a formula has an apostrophe before it. JSON is one object a line.

    Example:

      bizpbx call export --since 2026-05-01 --until 2026-05-31 > may.csv
    """
    from bizpbx.cli.frame import calls, store

    asked = calls.Asked(caller, called, extension, since, until, cause, min_talked, direction, answered)
    with store.opened() as database, database.reading() as session:
        place = calls.organisation(session, store.domain(session, organisation))
        found = calls.rows(session, place, asked, None, None)
        if form is Form.CSV:
            calls.write_csv(found)
        else:
            calls.write_json_lines(found)
