"""What has to be there before the first settings: home folder, secret key, database at this program's version."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bizpbx.directory import migrations, secrets
from bizpbx.directory.database import Database, sqlite_file
from bizpbx.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Prepared:
    """`database_before` is the version found, None for a new database."""

    key_created: bool
    key: str
    database: str
    database_before: str | None
    database_now: str

    def fields(self) -> dict[str, Any]:
        return asdict(self)

    def lines(self) -> Iterator[str]:
        yield f"secret key: {self.key} ({'created' if self.key_created else 'there already'})"
        if self.database_before == self.database_now:
            yield f"database: {self.database} (up to date)"
        else:
            yield f"database: {self.database} (brought from {self.database_before or 'nothing'} to {self.database_now})"


def prepare(home: Path, secret_key: str, database_url: str) -> Prepared:
    """Do what is missing of it; what is there is kept. Raises ConfigurationError."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        created = False if secret_key else secrets.create(home)
        secrets.load(secret_key, home)
        database = Database(database_url)
        own_file(sqlite_file(database.url))
    except OSError as error:
        raise ConfigurationError(
            f"Cannot prepare {home}: {error.strerror}; set BIZPBX_HOME to a folder this user may write to."
        ) from None
    try:
        before = migrations.current(database.engine)
        if before is None or before < migrations.HEAD:
            migrations.upgrade(database.engine)
        migrations.check(database.engine)
    finally:
        database.close()
    return Prepared(
        key_created=created,
        key="BIZPBX_SECRET_KEY" if secret_key else str(secrets.key_file(home)),
        database=database.url.render_as_string(hide_password=True),
        database_before=before,
        database_now=migrations.HEAD,
    )


def own_file(path: Path | None) -> None:
    """An SQLite file that only its owner reads: it holds what phones authenticate with."""
    if path is None or path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
