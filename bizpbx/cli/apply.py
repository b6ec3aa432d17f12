"""`bizpbx apply`: settings from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bizpbx.cli.frame import options


def apply(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Settings file in YAML; - reads standard input.")],
    dry_run: options.DryRun = False,
    prune: Annotated[
        bool,
        typer.Option(
            "--prune",
            help="Remove what the lists in the file do not hold; lists that are not in the file are left alone.",
        ),
    ] = False,
    actor: options.Actor = None,
    as_json: options.Json = False,
) -> None:
    """Bring an organisation to what a settings file says: all of it, or nothing if anything is wrong.

    Prints each change. Applied again, the file changes nothing. What is not in the file is left alone without --prune;
    docs/settings.md explains each field.

    Examples:

      bizpbx apply acme.yaml --dry-run

      bizpbx export | bizpbx apply - --prune
    """
    import sys

    from bizpbx.cli.frame import changing, store
    from bizpbx.directory.parsing import parse
    from bizpbx.directory.yaml_text import MOST_BYTES
    from bizpbx.errors import Refused

    try:
        if str(file) == "-":
            data = sys.stdin.buffer.read(MOST_BYTES + 1)
        else:
            with file.open("rb") as opened:
                data = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise Refused(f"Cannot read {file}: {error.strerror}.") from None
    with store.opened() as database:
        applied = changing.change(database, parse(data), actor=actor, dry_run=dry_run, prune=prune)
    changing.print_applied(applied, as_json=as_json, dry_run=dry_run)
