"""Bring a folder in line with a rendered tree: atomically, file by file, touching nothing that is not ours."""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath

from bizpbx.errors import Refused

MARK = "<!-- bizpbx wrote this file; changes are overwritten -->"
"""In every file of ours; a file without it belongs to someone else."""

FILE_MODE = 0o640
FOLDER_MODE = 0o750

_SECRET = re.compile(r'(name="(?:password|a1-hash|gateway-credentials)" value=")[^"]*')
_OURS = ("bizpbx-*.xml", "*/bizpbx-*.xml", "*/*/bizpbx-*.xml")


class Action(StrEnum):
    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Change:
    """One file that was, or would be, brought in line."""

    path: PurePosixPath
    action: Action
    before: str | None = field(default=None, repr=False, compare=False)
    """Contents until now; None for a new file."""


def write(tree: Mapping[PurePosixPath, str], output: Path) -> list[Change]:
    """Write what differs, remove our files that the tree does not hold any more, and return what was done.

    Files become 0640, new folders 0750: passwords are in them. Raises Refused, before anything is written, if a file is
    in the way that bizpbx did not write.
    """
    changes = _changes(tree, output)
    for change in changes:
        if change.action is Action.REMOVED:
            (output / change.path).unlink(missing_ok=True)
        else:
            _replace(output / change.path, tree[change.path])
    return changes


def diff(tree: Mapping[PurePosixPath, str], output: Path) -> str:
    """What `write` would do, as a unified diff with secrets masked; empty if nothing. Raises Refused like `write`."""
    return "".join(_diff_of(change.path, output, tree.get(change.path)) for change in _changes(tree, output))


def _changes(tree: Mapping[PurePosixPath, str], output: Path) -> list[Change]:
    changes = []
    for path, content in sorted(tree.items()):
        present = _read(output / path)
        if present is None:
            changes.append(Change(path, Action.ADDED))
        elif MARK not in present:
            raise Refused(
                f"{output / path} was not written by bizpbx and is left alone; render into an empty folder, "
                "or use --into to add to a configuration that exists."
            )
        elif present != content:
            changes.append(Change(path, Action.CHANGED, present))
    changes.extend(Change(path, Action.REMOVED, _read(output / path)) for path in _stale(tree, output))
    return changes


def _stale(tree: Mapping[PurePosixPath, str], output: Path) -> Iterator[PurePosixPath]:
    for pattern in _OURS:
        for found in sorted(output.glob(pattern)):
            path = PurePosixPath(found.relative_to(output).as_posix())
            if path not in tree and MARK in (_read(found) or ""):
                yield path


def _diff_of(path: PurePosixPath, output: Path, content: str | None) -> str:
    before = _read(output / path)
    lines = difflib.unified_diff(
        _masked(before),
        _masked(content),
        "/dev/null" if before is None else f"a/{path}",
        "/dev/null" if content is None else f"b/{path}",
    )
    return "".join(lines) or f"--- a/{path}\n+++ b/{path}\nonly secrets differ\n"


def _masked(content: str | None) -> list[str]:
    return _SECRET.sub(r"\1***", content or "").splitlines(keepends=True)


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None


def _replace(path: Path, content: str) -> None:
    _make_folder(path.parent)
    descriptor, temporary = tempfile.mkstemp(prefix=".bizpbx-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), FILE_MODE)
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise
    _sync_folder(path.parent)


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(mode=FOLDER_MODE, exist_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
