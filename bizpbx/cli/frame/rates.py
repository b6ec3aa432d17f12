"""Rates as commands read and change them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from bizpbx.directory.database import Database
    from bizpbx.directory.rate_editing import Edit


def organisation(database: Database, asked: str | None) -> dict[str, Any]:
    """The document of the organisation that is meant. Raises NotFound, Refused."""
    from bizpbx.cli.frame import store
    from bizpbx.directory import documents
    from bizpbx.directory.export import find

    with database.reading() as session:
        return documents.organisation(session, find(session, store.domain(session, asked)))


def moment(text: str | None, organisation: dict[str, Any]) -> datetime | None:
    """Raises InvalidText."""
    return None if text is None else moment_or_now(text, organisation["timezone"], "--effective")


def moment_or_now(text: str | None, zone: str, option: str) -> datetime:
    """What an option says, by the clock of a zone. Raises InvalidText that names the option."""
    from datetime import UTC, datetime

    from bizpbx.errors import InvalidText
    from bizpbx.metering import moments

    try:
        return datetime.now(UTC) if text is None else moments.moment(text, zone)
    except InvalidText as refused:
        raise refused.at(option) from None


def rows(
    asked: str | None, *, starts_with: str = "", prefix: str | None = None, in_force: bool = False
) -> list[dict[str, Any]]:
    """Rates in the shape of the settings file, each with its `state`."""
    from datetime import UTC, datetime

    from bizpbx.cli.frame import output, store
    from bizpbx.directory import rates
    from bizpbx.directory.export import find

    now = datetime.now(UTC)
    with store.opened() as database, output.progress("reading"):
        found = organisation(database, asked)
        with database.reading() as session:
            stored = rates.stored(
                session,
                find(session, found["domain"]),
                starts_with=starts_with,
                prefixes=None if prefix is None else [prefix],
            )
    counting = rates.in_force(stored, now)
    rows = []
    for key, price in stored.items():
        state = "in force" if counting.get(key.prefix) == key else "past" if key.effective <= now else "future"
        if state == "in force" or not in_force:
            document = rates.document(key, price, found["currency"], found["timezone"])
            rows.append(document | {"state": state})
    return rows


def edit(
    database: Database,
    document: dict[str, Any],
    change: Edit,
    actor: str | None,
    dry_run: bool,
    as_json: bool,
    *,
    imported: bool,
) -> None:
    import sys
    from datetime import UTC, datetime

    from bizpbx.cli.frame import changing, output, store
    from bizpbx.directory.rate_editing import edit as edit_rates

    with output.progress("comparing and writing"):
        edited = edit_rates(
            database,
            document,
            change,
            actor=store.actor(actor),
            at=datetime.now(UTC),
            dry_run=dry_run,
            as_one=imported,
        )
    if not imported:
        changing.print_applied(edited.applied, as_json=as_json, dry_run=dry_run)
        return
    if as_json:
        told = changing.as_data(edited.applied, dry_run=dry_run)
        output.print_json(told | edited.counts | {"hidden": edited.hidden})
    else:
        counts = ", ".join(f"{count:,} {what}" for what, count in edited.counts.items())
        sys.stdout.write(f"{edited.applied.domain}: {counts}\n")
        if dry_run:
            sys.stderr.write("dry run: nothing was changed\n")
    if edited.hidden:
        sys.stderr.write(
            f"{edited.hidden:,} of these have no date and do not count: their prefixes have newer rates. "
            "Give them a date with --effective, or make the file the whole deck with --prune.\n"
        )
