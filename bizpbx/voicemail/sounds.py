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
from pathlib import Path
from typing import Final

from bizpbx.errors import StoreError
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
    with tempfile.TemporaryDirectory(prefix="bizpbx-sound-") as folder:
        path = Path(folder) / "file"
        for rate, wave in waves.items():
            path.write_bytes(wave)
            store.put(wave_key(domain, checksums[rate]), path)
        path.write_text(json.dumps({str(rate): sha256 for rate, sha256 in checksums.items()}))
        store.put(list_key(domain, digest), path)


def files(listed: bytes) -> dict[int, str]:
    """Samples a second → SHA-256 of that WAV file, of a list in the store. Raises StoreError if it is damaged."""
    try:
        found = json.loads(listed)
        checksums = {rate: found[str(rate)] for rate in RATES}
    except (ValueError, KeyError, TypeError):
        raise StoreError("The list of a sound's files in the store is damaged.") from None
    if not all(isinstance(sha256, str) and _SHA256.fullmatch(sha256) for sha256 in checksums.values()):
        raise StoreError("The list of a sound's files in the store is damaged.")
    return checksums
