"""The file store: recordings and sounds, in a folder or in S3."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bizpbx.errors import ConfigurationError

if TYPE_CHECKING:
    from bizpbx.config import Config

_KEY = re.compile(r"[a-z0-9][a-z0-9.-]*(/[a-z0-9][a-z0-9._-]*)+")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")

S3 = "s3://"


@dataclass(frozen=True, slots=True)
class Stored:
    """A file as the store has it: SHA-256 in hex, and its length."""

    sha256: str
    bytes: int


class Store(Protocol):
    """Keys are ours, `<domain>/<what>/<name>`: never made of text from outside. Each method raises StoreError for what
    may work later."""

    def put(self, key: str, path: Path) -> Stored:
        """Keep a copy of the file under this key, in place of one that is there. Returns once the store has confirmed
        its checksum."""

    def fetch(self, key: str, to: Path) -> Stored:
        """Write a copy to this path, all of it or nothing; its folder has to be there. Raises NotStored."""

    def delete(self, key: str) -> None:
        """Forget it. It is no error if it is not there."""

    def check(self) -> None:
        """Whether it can be used at all."""


def checked(key: str) -> str:
    """The key, if it is one of ours: parts that begin with a letter or digit, so that none leads upwards."""
    if not _KEY.fullmatch(key) or len(key) > 512:
        raise ValueError(f"{key!r} is no key of the store")
    return key


def store_of(config: Config) -> Store:
    """The store of the environment. Raises ConfigurationError."""
    where = config.store
    if where.startswith(S3):
        bucket, _, prefix = where.removeprefix(S3).strip("/").partition("/")
        if not _BUCKET.fullmatch(bucket) or (prefix and not _PREFIX.fullmatch(prefix)):
            raise ConfigurationError(f"BIZPBX_STORE must be a folder or s3://bucket/prefix, not {where!r}.")
        from bizpbx.voicemail.store.s3 import S3Store

        encryption = None if config.s3_encryption == "none" else config.s3_encryption
        return S3Store(bucket, prefix, config.s3_endpoint or None, encryption, config.s3_kms_key or None)
    folder = Path(where) if where else config.home / "store"
    if not folder.is_absolute():
        raise ConfigurationError(f"BIZPBX_STORE must be an absolute path or s3://bucket/prefix, not {where!r}.")
    from bizpbx.voicemail.store.folder import FolderStore

    return FolderStore(folder)
