"""Where the sounds of messages are: in the store, and by what name on a switch's disk.

A sound is named by its digest within its organisation. In the store a small file of that name lists the checksums of
its WAV files, and those have their checksums for names. So whoever makes a sound twice, even if it turned out
differently, leaves both whole; and what comes out of the store is compared with what went in.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bizpbx.errors import Damaged, NotStored, StoreError
from bizpbx.prompts import RATES
from bizpbx.voicemail.store import Store

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def list_key(domain: str, digest: str) -> str:
    """Of the list of a sound's files."""
    return f"{domain}/sounds/{digest}.json"


def wave_key(domain: str, sha256: str) -> str:
    return f"{domain}/sounds/{sha256}.wav"


def place_name(key: str) -> str:
    """The name of a copy of this file of the store on the disk of a switch: nothing of the key can be seen in it."""
    return hashlib.sha256(key.encode()).hexdigest()


def put(store: Store, domain: str, digest: str, waves: dict[int, bytes]) -> None:
    """Keep a sound. The list comes last: with it, all of it is there. Raises StoreError."""
    checksums = {rate: hashlib.sha256(wave).hexdigest() for rate, wave in waves.items()}
    text = json.dumps({str(rate): sha256 for rate, sha256 in checksums.items()})
    with _file() as path:
        for rate, wave in waves.items():
            path.write_bytes(wave)
            store.put(wave_key(domain, checksums[rate]), path)
        path.write_text(text)
        store.put(list_key(domain, digest), path)


def files(listed: bytes) -> dict[int, str]:
    """Samples a second → SHA-256 of that WAV file, of a list in the store. Raises Damaged."""
    try:
        found = json.loads(listed)
        checksums = {rate: found[str(rate)] for rate in RATES}
    except (ValueError, KeyError, TypeError):
        raise Damaged("The list of a sound's files in the store is damaged.") from None
    if not all(isinstance(sha256, str) and _SHA256.fullmatch(sha256) for sha256 in checksums.values()):
        raise Damaged("The list of a sound's files in the store is damaged.")
    return checksums


def listed(store: Store, domain: str, digest: str) -> dict[int, str]:
    """The same of a sound. Raises StoreError, NotStored, Damaged."""
    with _file() as path:
        store.fetch(list_key(domain, digest), path)
        return files(path.read_bytes())


def fault(store: Store, domain: str, digest: str) -> NotStored | Damaged | None:
    """What is wrong with a sound in the store; None: all of it is there, and is what was put there. Raises StoreError
    where the store is away."""
    try:
        for sha256 in listed(store, domain, digest).values():
            key = wave_key(domain, sha256)
            with _file() as path:
                if store.fetch(key, path).sha256 != sha256:
                    return Damaged(f"{store} has something else under {key} than what was put there.")
    except (NotStored, Damaged) as wrong:
        return wrong
    return None


def waves(store: Store, domain: str, digest: str) -> frozenset[str]:
    """SHA-256 of each WAV file of a sound; none of one that is lost. Raises StoreError where the store is away."""
    try:
        return frozenset(listed(store, domain, digest).values())
    except (NotStored, Damaged):
        return frozenset()


def remove(store: Store, domain: str, digest: str, sha256s: Iterable[str]) -> None:
    """Have the store forget a sound: those of its WAV files that no other one has, and its list. That goes last, so
    that what failed in the middle can be done again. Raises StoreError."""
    for sha256 in sorted(sha256s):
        store.delete(wave_key(domain, sha256))
    store.delete(list_key(domain, digest))


@contextmanager
def _file() -> Iterator[Path]:
    """Where a file can be for a moment. Raises StoreError where there is no room for it."""
    try:
        with tempfile.TemporaryDirectory(prefix="bizpbx-sound-") as folder:
            yield Path(folder) / "file"
    except OSError as error:
        raise StoreError(f"A sound cannot be written to {tempfile.gettempdir()}: {error.strerror or error}.") from None
