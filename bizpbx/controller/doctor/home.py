"""The home folder and the secret key in it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from bizpbx.config import Config
from bizpbx.controller.doctor.finding import Finding, ok, problem, warning
from bizpbx.directory import secrets
from bizpbx.errors import BizpbxError


def examine(config: Config) -> Iterator[Finding]:
    if config.secret_key and config.database_url:
        yield ok("home", "key and database are elsewhere; the home folder is not used")
    else:
        yield folder(config.home)
    yield key(config)


def folder(home: Path) -> Finding:
    mode = mode_of(home)
    if mode is None or not home.is_dir():
        return problem(
            "home", f"There is no folder {home}. Set BIZPBX_HOME to the one you want, and run `bizpbx init`."
        )
    if not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        return problem(
            "home",
            f"This user may not read and write {home}. Run bizpbx as the user that owns it, or set BIZPBX_HOME.",
        )
    if mode & 0o022:
        return problem("home", f"Other users may replace what is in {home}. Run `chmod go-w {home}`.")
    if mode & 0o005:
        return warning("home", f"All users of this machine may look into {home}. Run `chmod o-rwx {home}`.")
    return ok("home", str(home))


def key(config: Config) -> Finding:
    file = secrets.key_file(config.home)
    try:
        secrets.load(config.secret_key, config.home)
    except BizpbxError as error:
        return problem("key", str(error))
    if config.secret_key:
        return ok("key", "from BIZPBX_SECRET_KEY")
    return open_to_others("key", file) or ok("key", f"{file}; is there a copy of it apart from those of the database?")


def open_to_others(check: str, file: Path) -> Finding | None:
    """A problem if a file that holds secrets can be read or written by others than its owner."""
    if (mode_of(file) or 0) & 0o077:
        return problem(check, f"{file} holds secrets and is open to other users. Run `chmod 600 {file}`.")
    return None


def mode_of(path: Path) -> int | None:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None
