"""Where the files are that travel with the program: migrations, templates, base configuration."""

from __future__ import annotations

from pathlib import Path

from bizpbx.errors import ConfigurationError

PACKAGE = Path(__file__).resolve().parent
NAMES = ("alembic", "dialplan_templates", "freeswitch-conf")


def folder(name: str) -> Path:
    """The folder `name`, one of NAMES: inside an installed wheel, else at the top of the source checkout.

    Raises ConfigurationError if the installation is incomplete.
    """
    if name not in NAMES:
        raise ValueError(f"no such resource folder: {name}")
    for place in (PACKAGE / "_resources" / name, PACKAGE.parent / name):
        if place.is_dir():
            return place
    raise ConfigurationError(f"The folder {name} is missing from this installation of bizpbx; install it again.")
