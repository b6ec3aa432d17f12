"""The command line. Each command is a file of its own; a new one is a file and its name in COMMANDS.

The file has the command's name (`virtual-line` is virtual_line.py) and holds either `app`, a Typer with sub-commands,
or a function of that name. It is imported only when its command is used, and imports what is heavy only when it runs.
"""

from __future__ import annotations

COMMANDS: dict[str, tuple[str, ...]] = {
    "Start": ("init", "demo"),
    "Settings": ("apply", "export"),
    "Nouns": (
        "organisation",
        "member",
        "extension",
        "virtual-line",
        "device",
        "licence",
        "number",
        "gateway",
        "rule",
        "rate",
        "caller-id",
        "lockout",
        "guard",
        "greeting",
        "mail",
        "audit",
    ),
    "Calls": ("call", "usage", "voicemail"),
    "Switch": ("render", "serve", "explain", "prompts", "doctor"),
}
"""Heading in `bizpbx --help` → commands."""


def main() -> None:
    """Entry point of the `bizpbx` program: exit 0 done, 1 refused, 2 wrong usage."""
    import sys

    from bizpbx.cli.frame.failure import tell
    from bizpbx.cli.frame.root import app
    from bizpbx.errors import BizpbxError

    try:
        app()
    except BizpbxError as error:
        tell(error, as_json="--json" in sys.argv)
        sys.exit(1)
