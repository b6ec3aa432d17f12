"""Certificates of a test: an authority, one below it, and a switch on 127.0.0.1 that this one vouches for."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey


def make(folder: Path, host: str = "127.0.0.1") -> Path:
    """Write `agent.pem`, for this address, and `cafile.pem`, as mod_sofia wants them, and `root.pem`, which the phones
    trust; returns the folder. The root is nothing that the switch knows."""
    root, between, switch = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))])
    key = switch.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    leaf = _valid(host, switch, "Between").add_extension(address, critical=False)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "agent.pem").write_bytes(key + _signed(leaf, between))
    (folder / "cafile.pem").write_bytes(_signed(_authority("Between", between, "Root"), root))
    (folder / "root.pem").write_bytes(_signed(_authority("Root", root, "Root"), root))
    return folder


def trusting(folder: Path, authorities: Path) -> Path:
    """A folder for a switch that knows the authorities of another one, and none else. Returns it."""
    make(folder)
    known = (authorities / "cafile.pem").read_bytes() + (authorities / "root.pem").read_bytes()
    (folder / "cafile.pem").write_bytes(known)
    return folder


def _authority(name: str, key: Key, issuer: str) -> x509.CertificateBuilder:
    return _valid(name, key, issuer).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)


def _valid(name: str, key: Key, issuer: str) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
    )


def _signed(builder: x509.CertificateBuilder, key: Key) -> bytes:
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
