"""Organisations to render, as value types."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from bizpbx.policy.settings import (
    Device,
    DeviceKind,
    Extension,
    Gateway,
    Organisation,
    OrganisationSettings,
)

PASSWORD = "correct horse"


def ha1(user: str, domain: str, password: str = PASSWORD) -> str:
    return hashlib.md5(
        f"{user}:{domain}:{password}".encode("utf-8", "surrogatepass"), usedforsecurity=False
    ).hexdigest()


def device(
    key: str,
    domain: str,
    kind: DeviceKind = DeviceKind.IP_PHONE,
    *,
    active: bool = True,
    licensed: bool = True,
    rings: bool = True,
    tls: bool = False,
) -> Device:
    user = f"{key}-{kind}"
    return Device(kind, user, active, licensed, rings, tls, ha1=ha1(user, domain))


def extension(key: str, domain: str, label: str = "", devices: Iterable[Device] | None = None) -> Extension:
    if devices is None:
        devices = (device(key, domain, kind) for kind in DeviceKind)
    return Extension(key, label or f"Extension {key}", devices=tuple(devices))


def gateway(domain: str, port: int = 5090, name: str = "carrier") -> Gateway:
    return Gateway(name, f"{name}.{domain}", "127.0.0.1", port, trunk=True)


def organisation(
    domain: str = "acme.example",
    extensions: Iterable[Extension] | None = None,
    *,
    trunk: Gateway | None = None,
    numbers: tuple[tuple[str, str | None], ...] = (("+6564291310", "100"),),
) -> OrganisationSettings:
    if extensions is None:
        extensions = [extension(key, domain) for key in ("100", "101", "102", "103")]
    trunk = trunk or gateway(domain)
    return OrganisationSettings(
        Organisation(1, domain, domain, "Asia/Singapore", "SG", "+6564291310", (trunk,)),
        tuple(extensions),
        (trunk,),
        numbers,
    )
