"""The folder that a switch writes its leg records to, one file a leg, and where they go from there.

    <folder>/<leg>.cdr.xml                    written by the switch, not yet on record
    <folder>/done/<YYYY-MM-DD>/<leg>.cdr.xml  on record since that day (UTC)
    <folder>/failed/<leg>.cdr.xml             could not be read; `.reason` beside it says why

Moving a file back from failed/ brings it in again. Other files and links are left alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from bizpbx.freeswitch import records
from bizpbx.freeswitch.records import CutShort, UnreadableRecord
from bizpbx.metering.leg import LegRecord

SUFFIX = ".cdr.xml"
NAME = re.compile(r"[A-Za-z0-9._-]{1,128}" + re.escape(SUFFIX))
UNFINISHED = 60.0
"""Seconds that a file may be incomplete before it is taken for cut short. The switch writes it at once."""
PAUSED_AFTER = 500
"""Entries of the folder that are looked at in one go."""
USUAL = 64 << 10
"""Bytes that hold nearly every file."""
LOW = 64 << 20
"""Free bytes below which files that are on record are removed, the oldest first."""
FOLDER_MODE = 0o2770
"""The switch and the controller may be two users: they share the folder's group."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A file of the switch's, and when it was written (seconds since 1970)."""

    path: Path
    written: float

    @property
    def leg(self) -> str:
        """What the switch named the file after."""
        return self.path.name.removesuffix(SUFFIX)


class Spool:
    """One folder. Several controllers may read it: `claimed` lets in one at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.done = folder / "done"
        self.failed = folder / "failed"

    def prepare(self) -> None:
        """Make the folders where they are missing: a full disk may not take them later. Raises OSError."""
        if not self.folder.is_dir():
            self.folder.mkdir(parents=True, exist_ok=True)
            self.folder.chmod(FOLDER_MODE)
        for folder in (self.done, self.failed):
            folder.mkdir(exist_ok=True)

    @contextmanager
    def claimed(self) -> Iterator[bool]:
        """Whether nobody else is reading now; the claim ends with the block, or with the process. Raises OSError."""
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
        finally:
            os.close(descriptor)

    def waiting(self, most: int, pause: Callable[[], object] = lambda: None) -> list[Waiting]:
        """Up to so many files that wait, in no order. `pause` is called now and then, since there may be very many.
        Raises OSError."""
        found = []
        with os.scandir(self.folder) as entries:
            for count, entry in enumerate(entries, 1):
                if count % PAUSED_AFTER == 0:
                    pause()
                if not NAME.fullmatch(entry.name):
                    continue
                with contextlib.suppress(FileNotFoundError):
                    about = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(about.st_mode):
                        found.append(Waiting(Path(entry.path), about.st_mtime))
                if len(found) == most:
                    break
        return found

    def read(self, waiting: Waiting, now: float) -> LegRecord | None:
        """The leg of a file; None while it is being written, or if it is gone. Raises UnreadableRecord."""
        try:
            data = _read(waiting.path)
        except FileNotFoundError:
            return None
        try:
            return records.from_file(data)
        except CutShort:
            if now - waiting.written < UNFINISHED:
                return None
            raise

    def put_away(self, path: Path, day: date) -> None:
        """Move a file that is on record. Where done/ cannot take it, it is removed: the database has it."""
        try:
            _move(path, f"{self.done}/{day}")
        except OSError:
            path.unlink(missing_ok=True)

    def put_aside(self, path: Path, reason: str) -> None:
        """Move a file that cannot be put on record. Raises OSError if failed/ cannot take it."""
        _move(path, str(self.failed))
        with contextlib.suppress(OSError):
            (self.failed / f"{path.name}.reason").write_text(reason + "\n")

    def free(self) -> int:
        """Bytes that the switch can still write. Raises OSError."""
        about = os.statvfs(self.folder)
        return about.f_bavail * about.f_frsize

    def prune(self, today: date, days: int) -> int:
        """Remove what has been on record for longer than so many days, and more than that where the disk is nearly
        full. Returns how many days' folders were removed."""
        removed = 0
        for folder in sorted(self._days()):
            kept = (today - date.fromisoformat(folder.name)) <= timedelta(days=days)
            if kept and self.free() >= LOW:
                break
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
        return removed

    def _days(self) -> Iterator[Path]:
        with contextlib.suppress(FileNotFoundError):
            for path in self.done.iterdir():
                with contextlib.suppress(ValueError):
                    datetime.strptime(path.name, "%Y-%m-%d")  # noqa: DTZ007 - a day, not a moment
                    yield path


def _read(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        data = b""
        while len(data) <= records.LARGEST and (more := os.read(descriptor, USUAL)):
            data += more
    finally:
        os.close(descriptor)
    if len(data) > records.LARGEST:
        raise UnreadableRecord(f"The file is larger than {records.LARGEST} bytes.")
    return data


def _move(path: Path, folder: str) -> None:
    target = f"{folder}/{path.name}"
    try:
        os.replace(path, target)  # noqa: PTH105 - a third of the cost, for every leg of every call
    except FileNotFoundError:
        # No such folder yet; or another controller has moved the file.
        Path(folder).mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            path.replace(target)
