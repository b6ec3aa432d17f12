"""The certificates FreeSWITCH makes for itself when it finds none (RSA of 4096 bits): seconds of every start, so kept.

It takes no smaller or other key for DTLS, so none can be made quicker. They are kept in the user's cache folder, for
switches of the testbed only.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

NAMES = ("dtls-srtp.pem", "wss.pem")


def provide(certs: Path, cache: Path) -> None:
    """Copy those of an earlier start into a switch's folder."""
    for name in NAMES:
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(cache / name, certs / name)


def keep(certs: Path, cache: Path) -> None:
    """Take what a switch has made for the next start. Without a place to keep them the next start takes longer."""
    for name in NAMES:
        if (cache / name).exists() or not (certs / name).exists():
            continue
        with contextlib.suppress(OSError):
            cache.mkdir(mode=0o700, parents=True, exist_ok=True)
            copy = cache / f"{name}.{os.getpid()}"
            copy.touch(0o600)
            shutil.copyfile(certs / name, copy)
            copy.replace(cache / name)


def cache_folder() -> Path:
    """`bizpbx/testbed` in the user's cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bizpbx" / "testbed"
