"""`bizpbx init`: make this machine ready."""

from __future__ import annotations

from bizpbx.cli.frame import options


def init(as_json: options.Json = False) -> None:
    """Make the home folder, the secret key and the database, or bring the database up to date. Safe to repeat.

    The home folder is BIZPBX_HOME, the database BIZPBX_DATABASE_URL or an SQLite file in the home folder. The key
    encrypts the passwords of gateways: keep a copy of it apart from the copies of the database.

    Example:

      BIZPBX_HOME=/var/lib/bizpbx bizpbx init
    """
    import sys

    from bizpbx import config
    from bizpbx.cli.frame.output import print_json, progress
    from bizpbx.directory import installation

    settings = config.load()
    with progress("preparing the database"):
        done = installation.prepare(settings.home, settings.secret_key, settings.database)
    if as_json:
        print_json({"home": str(settings.home), **done.fields()})
        return
    for line in done.lines():
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(
        "Next: write a settings file (docs/settings.md), `bizpbx apply FILE`, "
        "`bizpbx device credentials KEY KIND` for each phone, `bizpbx serve`.\n"
    )
