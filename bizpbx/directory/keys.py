"""Passwords that the parts of one installation use among themselves, all derived from its one secret key.

Derived, so that `render` and `serve` know the same ones without a place to keep them, and a new key changes them all.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from pathlib import Path

from bizpbx.directory.secrets import Secrets, load_key


@dataclass(frozen=True, slots=True)
class Keys:
    """`event_socket_password` opens the switch's event socket, `http_password` our answers to mod_xml_curl."""

    secrets: Secrets
    event_socket_password: str = field(repr=False)
    http_password: str = field(repr=False)

    @classmethod
    def load(cls, secret_key: str, home: Path) -> Keys:
        """From BIZPBX_SECRET_KEY (`secret_key`), else from the file under `home`. Raises ConfigurationError."""
        key = load_key(secret_key, home)
        return cls(Secrets(key), _derived(key, "event socket"), _derived(key, "mod_xml_curl"))


def _derived(key: str, purpose: str) -> str:
    """32 letters, digits, `-` and `_` that tell nothing of the key (HMAC-SHA256)."""
    digest = hmac.digest(key.encode(), f"bizpbx {purpose}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode()[:32]
