"""`bizpbx prompts`: what callers are told, and the files it is spoken from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bizpbx.cli.frame import options

app = typer.Typer(no_args_is_help=True, help="What callers are told, and the files it is spoken from.")


@app.command("list")
def list_all(as_json: options.Json = False) -> None:
    """List the announcements, with the file that is played for each in the language in force.

    The file is told without its rate: the switch takes the one below 8000 or 16000 beside it.

    Example:

      bizpbx prompts list
    """
    from bizpbx import config
    from bizpbx.cli.frame import output
    from bizpbx.policy.prompt import Prompt
    from bizpbx.prompts import Prompts

    settings = config.load()
    prompts = Prompts(settings.prompts, settings.language)
    rows = [{"prompt": str(prompt), "file": str(prompts.path(prompt))} for prompt in Prompt]
    if as_json:
        output.print_json(rows)
    else:
        output.print_table(("prompt", "file"), rows)


@app.command("make")
def make_all(
    texts: Annotated[
        Path | None, typer.Option("--texts", help="List of texts in YAML; the English one of bizpbx without it.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--output", help="Folder of the language; where bizpbx has its own without it.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Speak a list of texts into files with espeak-ng, at 8 and 16 kHz. Files that are there are replaced.

    Example:

      bizpbx prompts make --texts german.yaml --output /etc/bizpbx/prompts/de
    """
    from bizpbx.cli.frame import output
    from bizpbx.prompts import FALLBACK, SHIPPED, TEXTS, making

    with output.progress("speaking"):
        listed = making.read(texts or TEXTS / f"{FALLBACK}.yaml")
        made = [str(path) for path in making.make(listed, to or SHIPPED / FALLBACK)]
    if as_json:
        output.print_json(made)
    else:
        typer.echo("\n".join(made))
