"""Secrets of the settings: gateway passwords encrypted at rest, device passwords kept as their digest only."""

from __future__ import annotations

import hashlib
import os
import secrets
import string
from pathlib import Path

from bizpbx.errors import ConfigurationError

STORED = "(stored password)"
"""Stands in an export for a gateway's password; applied, it keeps what is stored. No password can hold a space."""

PASSWORD_LENGTH = 24
ALPHABET = string.ascii_letters + string.digits


class Secrets:
    """Encrypts and decrypts with one Fernet key."""

    def __init__(self, key: str) -> None:
        """Raises ConfigurationError if `key` is no Fernet key (32 bytes in URL-safe base64)."""
        from cryptography.fernet import Fernet  # costs more to import than most commands take

        try:
            self._fernet = Fernet(key)
        except ValueError:
            raise ConfigurationError(
                "The secret key must be 32 bytes in URL-safe base64, as `bizpbx init` writes them into secret.key."
            ) from None

    def encrypt(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode()

    def decrypt(self, token: str) -> str:
        """Raises ConfigurationError if the text was encrypted with another key."""
        from cryptography.fernet import InvalidToken

        try:
            return self._fernet.decrypt(token).decode()
        except InvalidToken:
            raise ConfigurationError(
                "A stored gateway password was encrypted with another key: put the former secret key back, "
                "or set the password again."
            ) from None


def load(secret_key: str, home: Path) -> Secrets:
    """With the key from BIZPBX_SECRET_KEY (`secret_key`), else from the file under `home`."""
    return Secrets(load_key(secret_key, home))


def load_key(secret_key: str, home: Path) -> str:
    """The key itself, from the same places."""
    if secret_key:
        return secret_key
    try:
        return key_file(home).read_text().strip()
    except OSError as error:
        raise ConfigurationError(
            f"Cannot read the secret key {key_file(home)} ({error.strerror}); "
            "run `bizpbx init`, or set BIZPBX_SECRET_KEY."
        ) from None


def create(home: Path) -> bool:
    """Write a new key under `home`, readable by its owner only. False if there is one already: it is never replaced."""
    from cryptography.fernet import Fernet

    try:
        descriptor = os.open(key_file(home), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "wb") as file:
        file.write(Fernet.generate_key() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return True


def key_file(home: Path) -> Path:
    return home / "secret.key"


def new_password() -> str:
    """A password for a device: 24 letters and digits, about 143 bits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(PASSWORD_LENGTH))


def ha1(user: str, realm: str, password: str) -> str:
    """What digest authentication needs in place of the password (RFC 2617 §3.2.2.2), in hex."""
    return hashlib.md5(f"{user}:{realm}:{password}".encode(), usedforsecurity=False).hexdigest()
