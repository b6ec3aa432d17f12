"""Options that many commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Organisation = Annotated[
    str | None,
    typer.Option(
        "--organisation",
        metavar="DOMAIN",
        help="SIP domain of the organisation. Default: the only one there is, else the variable BIZPBX_ORGANISATION.",
        show_default=False,
    ),
]

Json = Annotated[bool, typer.Option("--json", help="Print JSON; docs/cli.md lists its fields.")]

DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")]

Actor = Annotated[
    str | None,
    typer.Option(
        "--actor",
        envvar="BIZPBX_ACTOR",
        metavar="NAME",
        help="Who makes the change, for the audit trail. Default: the name of the user on this machine.",
        show_default=False,
    ),
]

FIELDS = typer.Argument(
    metavar="FIELD=VALUE...",
    help="Fields by their path in the settings file. Lists are separated by commas; null takes a value away.",
    show_default=False,
)

Pairs = Annotated[list[str], FIELDS]

SomePairs = Annotated[list[str] | None, FIELDS]

Name = Annotated[
    str,
    typer.Argument(metavar="NAME", help="Which one: a key, name, number or email address.", show_default=False),
]
