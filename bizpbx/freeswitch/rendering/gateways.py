"""Gateways of an organisation, and the addresses that calls from gateways may come from."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from lxml import etree

from bizpbx.freeswitch.rendering.check import PARSER
from bizpbx.freeswitch.rendering.directory import GROUP_SIZE
from bizpbx.freeswitch.rendering.environment import inside, render, safe, token
from bizpbx.policy.settings import Gateway, OrganisationSettings

REALM = "bizpbx-gateways"
"""Realm of the gateways' accounts. No organisation can have it: a domain has a dot."""


Resolved = Mapping[str, Iterable[str]]
"""Host names of gateways, and the IP addresses that they stand for."""

LISTS = (PurePosixPath("autoload_configs/acl.conf.xml"), PurePosixPath("bizpbx/bizpbx-gateways.xml"))
"""Where the addresses of gateways are written: in a tree of our own, or in somebody else's configuration."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a gateway calls from. FreeSWITCH 1.11 resolves no names in its lists, and says nothing of those it passes
    over: it is told the addresses. `host` is for people, and for a later rendering that finds no resolver."""

    cidr: str
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


def addresses(organisations: Iterable[OrganisationSettings], resolved: Resolved) -> list[Address]:
    """Every address that a gateway may call from, once, in a stable order. A name not in `resolved` has none."""
    found: set[Address] = set()
    for settings in organisations:
        with inside(settings.organisation.domain):
            hosts = [host for gateway in settings.gateways for host in (gateway.host, *gateway.addresses)]
            found.update(address for host in hosts for address in _addresses(host, resolved))
    return sorted(found, key=lambda address: (address.cidr, address.host))


def resolved_before(output: Path) -> dict[str, set[str]]:
    """What names stood for when the tree in `output` was rendered; empty if there is none."""
    found: dict[str, set[str]] = {}
    for path in LISTS:
        try:
            root = etree.fromstring((output / path).read_bytes(), PARSER)
        except (FileNotFoundError, etree.XMLSyntaxError):
            continue
        for node in root.iterfind(".//list[@name='bizpbx-gateways']/node[@host]"):
            found.setdefault(node.get("host", ""), set()).add(node.get("cidr", "").partition("/")[0])
    return found


def _addresses(host: str, resolved: Resolved) -> Iterator[Address]:
    try:
        yield Address(str(ipaddress.ip_network(host.strip("[]"))))
    except ValueError:
        name = token(host, "gateways.host")
        yield from (Address(str(ipaddress.ip_network(address)), name) for address in resolved.get(name, ()))


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
