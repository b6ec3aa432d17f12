"""The database's version: brought up to date by `bizpbx init`, checked by everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from bizpbx import resources
from bizpbx.directory.database import sqlite_file
from bizpbx.errors import ConfigurationError, NotReady

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0019"
"""The newest revision, written down so that no command has to import Alembic to check it; a test compares."""


def configuration(engine: Engine | None = None) -> Config:
    """Alembic's configuration for the migrations that travel with the program."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(resources.folder("alembic")).replace("%", "%%"))
    config.attributes["engine"] = engine
    return config


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the database to `revision`, in one transaction."""
    from alembic import command

    try:
        command.upgrade(configuration(engine), revision)
    except OperationalError as error:
        raise ConfigurationError(f"The database cannot be reached: {error.orig}.") from None


def current(engine: Engine) -> str | None:
    """The revision the database is at; None if it was never initialised."""
    file = sqlite_file(engine.url)
    if file is not None and not file.exists():  # connecting would make an empty one
        return None
    try:
        with engine.connect() as connection:
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    except (ProgrammingError, OperationalError) as error:
        if missing_table(error):
            return None
        raise ConfigurationError(f"The database cannot be reached: {error.orig}.") from None


def check(engine: Engine) -> None:
    """Raises NotReady unless the database is at the revision of this program."""
    found = current(engine)
    if found is None:
        raise NotReady("The database is not initialised; run `bizpbx init`.")
    if found < HEAD:
        raise NotReady(f"The database is at version {found}, this program needs {HEAD}; run `bizpbx init`.")
    if found > HEAD:
        raise NotReady(
            f"The database is at version {found}, this program knows {HEAD} at most; install a newer bizpbx."
        )


def missing_table(error: DBAPIError) -> bool:
    return "no such table" in str(error.orig) or getattr(error.orig, "sqlstate", None) == "42P01"
