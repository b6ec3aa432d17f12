"""`bizpbx organisation`: the tenants of this installation."""

from __future__ import annotations

import typer

from bizpbx.cli.frame import options

app = typer.Typer(no_args_is_help=True, help="The tenants of this installation.")


@app.command("list")
def list_all(as_json: options.Json = False) -> None:
    """List them.

    Example:

      bizpbx organisation list --json
    """
    from sqlalchemy import select

    from bizpbx.cli.frame import output, store
    from bizpbx.directory import documents
    from bizpbx.directory.organisation import Organisation

    with store.opened() as database, database.reading() as session:
        found = session.scalars(select(Organisation.id).order_by(Organisation.domain)).all()
        rows = [documents.organisation(session, organisation_id) for organisation_id in found]
    if as_json:
        output.print_json(rows)
    else:
        output.print_table(("domain", "name", "timezone", "country", "currency", "main_number"), rows)


@app.command("show")
def show(organisation: options.Organisation = None, as_json: options.Json = False) -> None:
    """Show its fields.

    Example:

      bizpbx organisation show --organisation acme.example
    """
    from bizpbx.cli.frame import output, store
    from bizpbx.directory import documents
    from bizpbx.directory.export import find

    with store.opened() as database, database.reading() as session:
        document = documents.organisation(session, find(session, store.domain(session, organisation)))
    (output.print_json if as_json else output.print_fields)(document)


@app.command("set")
def set_fields(
    pairs: options.Pairs,
    organisation: options.Organisation = None,
    actor: options.Actor = None,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Change its fields; the domain is its name and stays.

    Example:

      bizpbx organisation set timezone=Asia/Singapore default_rule=Standard
    """
    from typing import Any

    from bizpbx.cli.frame import changing, patching, store
    from bizpbx.directory import schema
    from bizpbx.directory.parsing import check
    from bizpbx.errors import InvalidSettings

    with store.opened() as database:
        with database.reading() as session:
            domain = store.domain(session, organisation)
        fields: dict[str, Any] = patching.patched({}, pairs, schema.Organisation)
        if fields.setdefault("domain", domain) != domain:
            raise InvalidSettings([("domain", "fixed", "cannot be changed: passwords of devices are made with it.")])
        try:
            applied = changing.change(database, check({"organisation": fields}), actor=actor, dry_run=dry_run)
        except InvalidSettings as refused:
            problems = [(path.removeprefix("organisation."), code, told) for path, code, told in refused.problems]
            raise InvalidSettings(problems) from None
    changing.print_applied(applied, as_json=as_json, dry_run=dry_run)
