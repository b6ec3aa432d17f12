"""The one way commands change settings: the stored document, patched, goes the same way as a file."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from bizpbx.cli.frame import store
from bizpbx.cli.frame.output import print_json, progress
from bizpbx.errors import InvalidSettings

if TYPE_CHECKING:
    from bizpbx.directory.apply import Applied
    from bizpbx.directory.database import Database
    from bizpbx.directory.schema import Settings
    from bizpbx.voicemail.speech import Made


def change(
    database: Database,
    settings: Settings,
    *,
    actor: str | None,
    dry_run: bool,
    prune: bool = False,
    remove: Mapping[str, Collection[str]] | None = None,
    uploads: Collection[Made] = (),
) -> Applied:
    """Apply, by the clock of this machine."""
    from datetime import UTC, datetime

    from bizpbx.directory.apply import apply

    with progress("applying"):
        return apply(
            database,
            settings,
            actor=store.actor(actor),
            at=datetime.now(UTC),
            secrets=store.secrets,
            dry_run=dry_run,
            prune=prune,
            remove=remove,
            speaker=store.speaker,
            uploads=uploads,
        )


def change_one(
    database: Database,
    domain: str,
    section: str,
    document: dict[str, Any],
    *,
    actor: str | None,
    dry_run: bool,
    uploads: Collection[Made] = (),
) -> Applied:
    """Apply one thing of a section; problems are told by the field's own path."""
    from bizpbx.directory.parsing import check

    data: Any = {"organisation": {"domain": domain}, section: [document]}
    try:
        return change(database, check(data), actor=actor, dry_run=dry_run, uploads=uploads)
    except InvalidSettings as refused:
        start = f"{section}[0]."
        raise InvalidSettings(
            [(path.removeprefix(start), code, told) for path, code, told in refused.problems]
        ) from None


def print_applied(applied: Applied, *, as_json: bool, dry_run: bool, **more: object) -> None:
    if as_json:
        print_json(as_data(applied, dry_run=dry_run) | more)
        return
    for one in applied.changes:
        sys.stdout.write(f"{one}\n")
    if not applied.changes:
        sys.stdout.write(f"{applied.domain}: nothing to change\n")
    else:
        tell_dry_run(dry_run)


def tell_dry_run(dry_run: bool) -> None:
    if dry_run:
        sys.stderr.write("dry run: nothing was changed\n")


def as_data(applied: Applied, *, dry_run: bool) -> dict[str, Any]:
    return {
        "organisation": applied.domain,
        "version": applied.version,
        "dry_run": dry_run,
        "changes": [
            {"noun": one.noun, "name": one.name, "field": one.field, "before": one.before, "after": one.after}
            for one in applied.changes
        ],
    }
