"""`bizpbx usage`: what extensions have talked outside in a month, and what that cost."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bizpbx.cli.frame import options

app = typer.Typer(
    no_args_is_help=True,
    help="What extensions have talked outside in a month, what it cost, and what they may.",
)

Month = Annotated[
    str | None,
    typer.Option("--month", metavar="YYYY-MM", help="Default: the month it is now by the organisation's clock."),
]


class Form(StrEnum):
    CSV = "csv"
    SVG = "svg"


@app.command("show")
def show(
    key: Annotated[
        str | None, typer.Argument(metavar="KEY", help="Key of an extension. Default: all.", show_default=False)
    ] = None,
    month: Month = None,
    organisation: options.Organisation = None,
    as_json: options.Json = False,
) -> None:
    """Show what was used, what calls under way may still use, and a bar for those that are limited.

    Examples:

      bizpbx usage show

      bizpbx usage show 100 --month 2026-05 --json
    """
    from bizpbx.cli.frame import output, store, usage
    from bizpbx.errors import NotFound

    with store.opened() as database, database.reading() as session:
        found = usage.found(session, store.domain(session, organisation), month, key)
    if key is not None and not found.rows:
        raise NotFound("extension", key, "`bizpbx extension list` shows all.")
    rows = [usage.described(one, found) for one in found.rows]
    if as_json:
        output.print_json(rows)
        return
    told = [row | usage.told(one, found) for row, one in zip(rows, found.rows, strict=True)]
    output.print_table(("extension", "label", "talked", "cost", "limit", "bar"), told)


@app.command("audit")
def audit(organisation: options.Organisation = None, as_json: options.Json = False) -> None:
    """Compare what extensions have used with the records of their calls, leg by leg and month by month.

    Exit code 1 if something does not add up. What was charged without a record is told, and is no fault.

    Example:

      bizpbx usage audit --json
    """
    from bizpbx.cli.frame import output, store
    from bizpbx.cli.frame.calls import organisation as owner
    from bizpbx.metering.audit import audit as audited

    with store.opened() as database, database.reading() as session:
        if not database.is_sqlite:
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        found = audited(session, owner(session, store.domain(session, organisation)).id)
    rows = [
        {"kind": str(one.kind), "extension": one.extension, "month": one.month, "leg": one.leg, "text": one.text}
        for one in found
    ]
    if as_json:
        output.print_json(rows)
    elif rows:
        output.print_table(("kind", "extension", "month", "leg", "text"), rows)
    else:
        typer.echo("Everything adds up: what was used is what the records say.")
    if any(one.fault for one in found):
        raise typer.Exit(1)


@app.command("report")
def report(
    month: Month = None,
    form: Annotated[Form, typer.Option("--format", help="What to write.")] = Form.CSV,
    file: Annotated[
        Path | None, typer.Option("--output", help="File to write. Default: the standard output.", dir_okay=False)
    ] = None,
    organisation: options.Organisation = None,
) -> None:
    """Write a month's usage of all extensions, as CSV or as a picture.

    Example:

      bizpbx usage report --month 2026-05 --format svg --output may.svg
    """
    from bizpbx.cli.frame import store, usage

    with store.opened() as database, database.reading() as session:
        found = usage.found(session, store.domain(session, organisation), month, None)
    text = usage.csv_of(found) if form is Form.CSV else usage.svg_of(found)
    if file is None:
        typer.echo(text, nl=False)
    else:
        file.write_text(text, encoding="utf-8", newline="")
