"""The file store: will it take recordings and sounds, and give them?"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from bizpbx.config import Config
from bizpbx.controller.doctor.finding import Finding, ok, problem
from bizpbx.errors import ConfigurationError, StoreError
from bizpbx.voicemail.store import store_of
from bizpbx.voicemail.store.folder import FolderStore


def examine(config: Config) -> Iterator[Finding]:
    try:
        store = store_of(config)
        if isinstance(store, FolderStore) and not store.root.exists():
            yield missing(store.root)
            return
        store.check()
    except (ConfigurationError, StoreError) as error:
        yield problem("store", str(error))
        return
    yield ok("store", str(store))


def missing(folder: Path) -> Finding:
    """A folder is made with the first file, which is not for `doctor` to do: it may be run by another user."""
    above = next(one for one in folder.parents if one.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        return problem("store", f"There is no folder {folder}, and this user cannot make it. Set BIZPBX_STORE.")
    return ok("store", f"{folder} is made with the first file")
