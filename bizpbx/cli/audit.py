"""`bizpbx audit`: who changed what, when, from what, to what."""

from __future__ import annotations

from typing import Annotated

import typer

from bizpbx.cli.frame import options

app = typer.Typer(no_args_is_help=True, help="Who changed what, when, from what, to what.")


@app.command("list")
def list_all(
    noun: Annotated[str | None, typer.Option("--noun", help="Only of this kind, such as extension.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="Only of the one with this name, such as 100.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="The newest so many.")] = 100,
    organisation: options.Organisation = None,
    as_json: options.Json = False,
) -> None:
    """List changes, the newest first.

    Examples:

      bizpbx audit list --noun extension --name 100

      bizpbx audit list --limit 10 --json
    """
    from sqlalchemy import select

    from bizpbx.cli.frame import output, store
    from bizpbx.directory.audit import Audit
    from bizpbx.directory.export import find

    with store.opened() as database, database.reading() as session:
        query = select(Audit).where(Audit.organisation_id == find(session, store.domain(session, organisation)))
        if noun is not None:
            query = query.where(Audit.noun == noun)
        if name is not None:
            query = query.where(Audit.name == name)
        rows = [
            {
                "at": row.at.isoformat(timespec="seconds"),
                "actor": row.actor,
                "version": row.version,
                "noun": row.noun,
                "name": row.name,
                "field": row.field,
                "before": row.before,
                "after": row.after,
            }
            for row in session.scalars(query.order_by(Audit.id.desc()).limit(limit))
        ]
    if as_json:
        output.print_json(rows)
        return
    told = [row | {"change": told_change(row)} for row in rows]
    output.print_table(("at", "actor", "noun", "name", "change"), told)


def told_change(row: dict[str, object]) -> str:
    from bizpbx.directory.recording import plain

    if not row["field"]:
        return "added" if row["before"] is None else "removed"
    return f"{row['field']}: {plain(row['before'])} → {plain(row['after'])}"
