"""`bizpbx render`: write what FreeSWITCH reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bizpbx.cli.frame import options


def render(
    output: Annotated[Path, typer.Option("--output", help="Folder of the tree.", file_okay=False)],
    into: Annotated[
        bool,
        typer.Option("--into", help="The folder is a configuration that exists: write only files of our own into it."),
    ] = False,
    show_diff: Annotated[
        bool, typer.Option("--diff", help="Print what would change, with secrets masked, and write nothing.")
    ] = False,
    only_check: Annotated[
        bool,
        typer.Option(
            "--check", help="Parse everything back and write nothing; exit 1 if the folder is not up to date."
        ),
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Write directory, dialplan and configuration for FreeSWITCH from the settings.

    Without --into the tree is complete, and FreeSWITCH starts on it as it is. Files are replaced one by one and whole;
    a file that bizpbx did not write is never touched.

    Examples:

      bizpbx render --output /etc/bizpbx/freeswitch

      bizpbx render --output /etc/freeswitch --into --diff
    """
    from bizpbx import config
    from bizpbx.cli.frame.output import print_json
    from bizpbx.controller import rendering
    from bizpbx.errors import Refused
    from bizpbx.freeswitch.rendering import check, diff, reload_commands, start_command, write

    tree, manual = rendering.tree(config.load(), output, into)
    problems = check(tree)
    if problems:
        raise Refused("\n".join(f"{problem.path}: {problem.text}" for problem in problems))
    if show_diff:
        typer.echo(diff(tree, output), nl=False)
        return
    if only_check:
        if diff(tree, output):
            raise Refused(
                f"{output} is not what the settings say; `bizpbx render --output {output}` brings it up to date."
            )
        typer.echo(f"{output} is up to date.")
        return
    changes = write(tree, output)
    commands = reload_commands(changes, tree)
    if as_json:
        written = [{"path": str(change.path), "action": str(change.action)} for change in changes]
        by_hand = [{"path": str(step.path), "change": step.change, "why": step.why} for step in manual]
        print_json({"changes": written, "reload": commands, "by_hand": by_hand})
        return
    for change in changes:
        typer.echo(f"{change.action:8} {change.path}")
    typer.echo(f"{len(changes)} of {len(tree)} files written." if changes else f"{output} was up to date.")
    for step in manual:
        typer.echo(f"by hand: {step.path}: {step.change} — {step.why}")
    if commands:
        typer.echo("A switch that runs on it already is told by: " + "; ".join(commands))
    if not into and changes:
        typer.echo("Start it with: " + " ".join(start_command(output)))
