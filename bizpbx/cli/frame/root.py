"""The root command. Knows the names of all commands and imports one only when it is used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

from bizpbx.cli import COMMANDS

if TYPE_CHECKING:
    from typer.core import TyperCommand

PANELS = {name: panel for panel, names in COMMANDS.items() for name in names}


class Commands(TyperGroup):
    """Resolves a command's name to its file."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(PANELS)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | TyperGroup | None:
        return load(cmd_name) if cmd_name in PANELS else None


def load(name: str) -> TyperCommand | TyperGroup:
    """The command in the file of this name."""
    word = name.replace("-", "_")
    module = import_module(f"bizpbx.cli.{word}")
    command: Any
    if hasattr(module, "app"):
        command = get_group(module.app)
    else:
        alone = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
        alone.command(name)(getattr(module, word))
        command = get_command(alone)
    command.name = name
    command.rich_help_panel = PANELS[name]
    return command  # type: ignore[no-any-return] # typer hands click's command on as Any


app = typer.Typer(
    name="bizpbx",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def show_version(wanted: bool) -> None:
    if wanted:
        from bizpbx import __version__

        typer.echo(f"bizpbx {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", callback=show_version, is_eager=True)
    ] = False,
) -> None:
    """Settings and live call decisions for business extensions on FreeSWITCH and Asterisk.

    Begin with `bizpbx init`, then `bizpbx apply FILE`. A change is in force on the next call; nothing is restarted.

    Every command that prints takes --json. Exit codes: 0 done, 1 refused, 2 wrong usage.
    """
