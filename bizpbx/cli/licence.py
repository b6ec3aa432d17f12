"""`bizpbx licence`: seats for devices; each activated device takes one of its kind."""

from __future__ import annotations

import typer

from bizpbx.cli.frame import options

app = typer.Typer(no_args_is_help=True, help="Seats for devices; each activated device takes one of its kind.")


@app.command("list")
def list_all(organisation: options.Organisation = None, as_json: options.Json = False) -> None:
    """List how many there are of each kind, how many are taken and how many are free.

    Example:

      bizpbx licence list --json
    """
    from bizpbx.cli.frame import output, store
    from bizpbx.directory import licence
    from bizpbx.directory.export import find

    with store.opened() as database, database.reading() as session:
        counts = licence.counts(session, find(session, store.domain(session, organisation)))
    rows = [
        {"kind": str(kind), "seats": seats, "taken": taken, "free": seats - taken}
        for kind, (seats, taken) in counts.items()
    ]
    if as_json:
        output.print_json(rows)
    else:
        output.print_table(("kind", "seats", "taken", "free"), rows)


@app.command("set")
def set_fields(
    pairs: options.Pairs,
    organisation: options.Organisation = None,
    actor: options.Actor = None,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Change how many there are. There are never fewer than activated devices.

    Example:

      bizpbx licence set ip_phone=10 mobile=10
    """
    from typing import Any

    from bizpbx.cli.frame import changing, patching, store
    from bizpbx.directory import schema
    from bizpbx.directory.parsing import check
    from bizpbx.errors import InvalidSettings

    with store.opened() as database:
        with database.reading() as session:
            domain = store.domain(session, organisation)
        seats: dict[str, Any] = patching.patched({}, pairs, schema.Licences)
        data: dict[str, Any] = {"organisation": {"domain": domain}, "licences": seats}
        try:
            applied = changing.change(database, check(data), actor=actor, dry_run=dry_run)
        except InvalidSettings as refused:
            problems = [(path.removeprefix("licences."), code, told) for path, code, told in refused.problems]
            raise InvalidSettings(problems) from None
    changing.print_applied(applied, as_json=as_json, dry_run=dry_run)
