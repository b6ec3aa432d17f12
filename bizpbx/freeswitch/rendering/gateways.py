"""Gateways of an organisation, and the addresses that calls from gateways may come from."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bizpbx.freeswitch.rendering.directory import GROUP_SIZE
from bizpbx.freeswitch.rendering.environment import inside, render, safe, token
from bizpbx.policy.settings import Gateway, OrganisationSettings

REALM = "bizpbx-gateways"
"""Realm of the gateways' accounts. No organisation can have it: a domain has a dot."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a gateway is: a network, or a host name that the switch resolves when it loads its lists."""

    cidr: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True)
class _Account:
    name: str
    ha1: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Entry:
    switch_name: str
    proxy: str
    host: str
    transport: str
    registers: bool
    ping: int | None
    username: str | None
    password: str | None = field(repr=False)


def gateways_file(settings: OrganisationSettings) -> str | None:
    """The gateways of one organisation; None if it has none."""
    entries = [_entry(gateway) for gateway in settings.gateways]
    return render("gateways.xml", gateways=entries) if entries else None


def accounts_file(organisations: Iterable[OrganisationSettings]) -> str:
    """Accounts that gateways sign in with when they call from somewhere else: user name is the name on the switch, the
    password is the gateway's. They reach the context of calls from gateways and nothing else."""
    accounts = [account for settings in organisations for account in _accounts(settings)]
    groups = [accounts[start : start + GROUP_SIZE] for start in range(0, len(accounts), GROUP_SIZE)]
    return render("gateway_accounts.xml", realm=REALM, groups=groups)


def _accounts(settings: OrganisationSettings) -> Iterator[_Account]:
    with inside(settings.organisation.domain):
        for gateway in settings.gateways:
            if gateway.password:
                name = token(gateway.switch_name, f"gateways.{gateway.name}")
                # What digest asks for (RFC 2617); the switch takes it in place of the password.
                password = safe(gateway.password, f"gateways.{gateway.name}.password")
                digest = hashlib.md5(f"{name}:{REALM}:{password}".encode(), usedforsecurity=False)
                yield _Account(name, digest.hexdigest())


def addresses(organisations: Iterable[OrganisationSettings]) -> list[Address]:
    """Every address that a gateway may call from, once, in a stable order."""
    found: set[Address] = set()
    for settings in organisations:
        with inside(settings.organisation.domain):
            hosts = [host for gateway in settings.gateways for host in (gateway.host, *gateway.addresses)]
            found.update(_address(host) for host in hosts)
    return sorted(found, key=lambda address: (address.cidr, address.host))


def _address(host: str) -> Address:
    try:
        return Address(cidr=str(ipaddress.ip_network(host.strip("[]"))))
    except ValueError:
        return Address(host=token(host, "gateways.host"))


def _entry(gateway: Gateway) -> _Entry:
    path = f"gateways.{gateway.name}"
    host = gateway.host.strip("[]")
    if ":" in host:
        host = f"[{ipaddress.IPv6Address(host)}]"
    else:
        token(host, f"{path}.host")
    return _Entry(
        switch_name=token(gateway.switch_name, path),
        proxy=f"{host}:{gateway.port}",
        host=host,
        transport=token(gateway.transport, f"{path}.transport"),
        registers=gateway.registers and gateway.username is not None,
        ping=gateway.ping,
        username=safe(gateway.username, f"{path}.username") if gateway.username else None,
        password=safe(gateway.password or "", f"{path}.password"),
    )
