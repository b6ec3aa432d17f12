"""`bizpbx rate`: what calls cost, by the digits that numbers start with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bizpbx.cli.frame import options, rates

if TYPE_CHECKING:
    from bizpbx.directory.rates import RateKey, Rates

app = typer.Typer(no_args_is_help=True, help="What calls cost, by the digits that numbers start with.")

COLUMNS = ("prefix", "per_minute", "connection_fee", "first", "next", "effective", "state")

Prefix = Annotated[str, typer.Argument(metavar="PREFIX", help="Digits with the country code, such as 6590.")]
Effective = Annotated[
    str | None,
    typer.Option(
        "--effective",
        metavar="MOMENT",
        help="The rate of this date: 2027-01-01, or 2027-01-01T08:00, by the organisation's clock.",
        show_default=False,
    ),
]
InForce = Annotated[bool, typer.Option("--in-force", help="Only those that count at this moment.")]
StartsWith = Annotated[
    str, typer.Option("--starts-with", metavar="DIGITS", help="Only prefixes that start so.", show_default=False)
]


@app.command("list")
def list_all(
    starts_with: StartsWith = "",
    in_force: InForce = False,
    organisation: options.Organisation = None,
    as_json: options.Json = False,
) -> None:
    """List rates. A prefix may have several: of those whose date has come, the newest is in force.

    Example:

      bizpbx rate list --starts-with 65 --in-force
    """
    from bizpbx.cli.frame import output

    rows = rates.rows(organisation, starts_with=starts_with, in_force=in_force)
    if as_json:
        output.print_json(rows)
    else:
        output.print_table(COLUMNS, rows)


@app.command("show")
def show(
    which: Annotated[
        str, typer.Argument(metavar="PREFIX|NUMBER", help="Digits such as 6590, or a number such as +6590123456.")
    ],
    organisation: options.Organisation = None,
    as_json: options.Json = False,
) -> None:
    """Show all that a prefix cost, costs and will cost; or the one rate that a number has now.

    Examples:

      bizpbx rate show 6590

      bizpbx rate show +6590123456
    """
    from bizpbx import validation
    from bizpbx.cli.frame import output
    from bizpbx.errors import NotFound

    if which.startswith("+"):
        number = validation.e164(which)[1:]
        found = [row for row in rates.rows(organisation, in_force=True) if number.startswith(row["prefix"])]
        rows = [row for row in found if row["per_minute"] is not None][-1:]
    else:
        rows = rates.rows(organisation, prefix=validation.digits(which))
    if not rows:
        raise NotFound("rate", which, "`bizpbx rate list` shows all.")
    if as_json:
        output.print_json(rows)
    else:
        output.print_table(COLUMNS, rows)


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="CSV with a line of column names; - reads stdin.")],
    effective: Annotated[
        str | None,
        typer.Option(
            "--effective",
            metavar="MOMENT",
            help="From when lines without a date of their own count: 2027-01-01, or 2027-01-01T08:00, by the "
            "organisation's clock. Default: they always did.",
            show_default=False,
        ),
    ] = None,
    prune: Annotated[
        bool,
        typer.Option(
            "--prune",
            help="The file is the whole deck: remove what it does not hold; with --effective, end it at that moment.",
        ),
    ] = False,
    organisation: options.Organisation = None,
    actor: options.Actor = None,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Take rates from a CSV file: all of them, or none if a line is wrong. Each wrong line is named.

    Columns: prefix, per_minute, and if need be connection_fee, first, next, effective; docs/rates.md has their other
    names. Amounts are in the organisation's currency, such as 0.02. On record it is one change.

    Examples:

      bizpbx rate import deck.csv --dry-run

      bizpbx rate import january.csv --effective 2027-01-01 --prune
    """
    import sys

    from bizpbx.cli.frame import output, store
    from bizpbx.directory import rate_changes, rate_csv
    from bizpbx.errors import Refused

    try:
        if str(file) == "-":
            data = sys.stdin.buffer.read(rate_csv.MOST_BYTES + 1)
        else:
            with file.open("rb") as opened:
                data = opened.read(rate_csv.MOST_BYTES + 1)
    except OSError as error:
        raise Refused(f"Cannot read {file}: {error.strerror}.") from None
    with store.opened() as database:
        document = rates.organisation(database, organisation)
        since = rates.moment(effective, document)
        with output.progress("reading the file"):
            wanted = rate_csv.read(data, document, effective)

        def change(before: Rates) -> tuple[Rates, frozenset[RateKey]]:
            return rate_changes.exactly(before, wanted, since) if prune else (wanted, frozenset())

        rates.edit(database, document, change, actor, dry_run, as_json, imported=True)


@app.command("export")
def export(in_force: InForce = False, organisation: options.Organisation = None, as_json: options.Json = False) -> None:
    """Print the rates as CSV. Imported again, it changes nothing.

    Example:

      bizpbx rate export > deck.csv
    """
    import sys

    from bizpbx.cli.frame import output
    from bizpbx.directory import rate_csv

    rows = rates.rows(organisation, in_force=in_force)
    if as_json:
        output.print_json(rows)
    else:
        sys.stdout.write(rate_csv.write(rows))


@app.command("set")
def set_fields(
    prefix: Prefix,
    pairs: options.Pairs,
    effective: Effective = None,
    organisation: options.Organisation = None,
    actor: options.Actor = None,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Change the rate of a prefix, or add it. Without a date it is the one in force; per_minute=null ends its price.

    Examples:

      bizpbx rate set 65 per_minute=0.02 first=30 next=6

      bizpbx rate set 65 per_minute=0.025 --effective 2027-01-01
    """
    from datetime import UTC, datetime

    from bizpbx.cli.frame import changing, patching, store
    from bizpbx.directory import rates as stored_rates
    from bizpbx.directory import schema
    from bizpbx.directory.export import find

    with store.opened() as database:
        organised = rates.organisation(database, organisation)
        at = rates.moment(effective, organised)
        with database.reading() as session:
            stored = stored_rates.stored(session, find(session, organised["domain"]), prefixes=[prefix])
        key = stored_rates.in_force(stored, at or datetime.now(UTC)).get(prefix)
        document: dict[str, Any] = {"prefix": prefix}
        if key is not None:
            document = stored_rates.document(key, stored[key], organised["currency"], organised["timezone"])
        if effective is not None:
            document["effective"] = effective
        document = patching.patched(document, pairs, schema.Rate) | {"prefix": prefix}
        applied = changing.change_one(database, organised["domain"], "rates", document, actor=actor, dry_run=dry_run)
    changing.print_applied(applied, as_json=as_json, dry_run=dry_run)


@app.command("remove")
def remove(
    prefix: Prefix,
    effective: Effective = None,
    organisation: options.Organisation = None,
    actor: options.Actor = None,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Remove the rates of a prefix: all of them, or the one of a date. Calls then cost what a shorter prefix says.

    Example:

      bizpbx rate remove 6590 --effective 2027-01-01
    """
    from bizpbx.cli.frame import store
    from bizpbx.errors import NotFound

    with store.opened() as database:
        document = rates.organisation(database, organisation)
        at = rates.moment(effective, document)

        def change(before: Rates) -> tuple[Rates, frozenset[RateKey]]:
            going = frozenset(key for key in before if key.prefix == prefix and at in (None, key.effective))
            if not going:
                raise NotFound("rate", prefix, "`bizpbx rate list` shows all.")
            return {}, going

        rates.edit(database, document, change, actor, dry_run, as_json, imported=False)
