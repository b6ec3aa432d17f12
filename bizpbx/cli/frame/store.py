"""The database as commands use it: opened, checked, and with the organisation that is meant."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bizpbx.errors import ConfigurationError, Refused

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from bizpbx.directory.database import Database
    from bizpbx.directory.secrets import Secrets
    from bizpbx.voicemail.speech import Speaker


@contextmanager
def opened() -> Iterator[Database]:
    """The database of the environment. Raises NotReady, ConfigurationError."""
    from sqlalchemy.exc import OperationalError

    from bizpbx import config
    from bizpbx.directory import migrations
    from bizpbx.directory.database import Database

    database = Database(config.load().database)
    try:
        migrations.check(database.engine)
        yield database
    except OperationalError as error:
        if "locked" in str(error.orig):
            raise Refused("The database is busy with another change; try again.") from None
        raise ConfigurationError(f"The database failed: {str(error.orig).strip()}.") from None
    finally:
        database.close()


def secrets() -> Secrets:
    """Raises ConfigurationError if there is no key."""
    from bizpbx import config
    from bizpbx.directory.secrets import load

    settings = config.load()
    return load(settings.secret_key, settings.home)


def speaker() -> Speaker:
    """What speaks texts. Raises ConfigurationError."""
    from bizpbx import config
    from bizpbx.voicemail.speaking import speaker_of

    return speaker_of(config.load())


def domain(session: Session, asked: str | None) -> str:
    """The organisation that is meant. Raises Refused if that is open, NotFound if it is not there."""
    from sqlalchemy import select

    from bizpbx.directory.export import find
    from bizpbx.directory.organisation import Organisation

    if asked is None:
        known = sorted(session.scalars(select(Organisation.domain)))
        if len(known) == 1:
            return known[0]
        asked = os.environ.get("BIZPBX_ORGANISATION")
        if not known:
            raise Refused("There is no organisation yet; run `bizpbx apply FILE` with a settings file.")
        if not asked:
            raise Refused(f"Say which organisation is meant with --organisation: {', '.join(known)}.")
    find(session, asked)
    return asked.lower()


def found(session: Session, domain: str) -> int:
    """Id of an organisation. Raises NotFound."""
    from bizpbx.directory.export import find

    return find(session, domain)


def actor(asked: str | None) -> str:
    """Who makes a change."""
    import getpass

    from bizpbx import validation
    from bizpbx.errors import InvalidText

    try:
        return validation.label(asked or getpass.getuser())
    except InvalidText as refused:
        raise refused.at("--actor") from None
    except (OSError, KeyError):
        return str(os.getuid())
