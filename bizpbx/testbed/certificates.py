"""Certificates that FreeSWITCH would otherwise make at every start, which takes it seconds (RSA of 4096 bits)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAMES = ("dtls-srtp.pem", "wss.pem")
LIFETIME = timedelta(days=30)


def write_certificates(folder: Path) -> None:
    """Put a self-signed key and certificate where FreeSWITCH looks for them, unless there are some."""
    for name in NAMES:
        path = folder / name
        if not path.exists():
            path.touch(0o600)
            path.write_bytes(certificate())


@cache
def certificate() -> bytes:
    """A key and its certificate as PEM, made once a process."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "testbed")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + LIFETIME)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return signed.public_bytes(serialization.Encoding.PEM) + private
