"""Which host names stand for an IP address: how a call from a trunk is recognised by where it comes from."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from ipaddress import ip_address, ip_network

TIME_TO_LIVE = 60.0
"""Seconds that an answer of the resolver is used."""


def resolve(name: str) -> frozenset[str]:
    """The addresses of a host name, as the system's resolver tells. Raises OSError."""
    return frozenset(normal(str(found[4][0])) for found in socket.getaddrinfo(name, None, type=socket.SOCK_DGRAM))


def normal(address: str) -> str:
    """One spelling for each address. Texts that are no address come back as they are, in lower case."""
    try:
        parsed = ip_address(address.strip("[]"))
    except ValueError:
        return address.lower()
    mapped = getattr(parsed, "ipv4_mapped", None)
    return str(mapped or parsed)


def is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def within(address: str, networks: Iterable[str]) -> bool:
    """Whether an IP address is one of these addresses, or in one of these networks."""
    try:
        wanted = ip_address(normal(address))
    except ValueError:
        return False
    return any(wanted in ip_network(network) for network in networks)


class Names:
    """Remembers what names resolve to. A name that cannot be resolved just now keeps its last addresses."""

    def __init__(
        self, resolver: Callable[[str], frozenset[str]] = resolve, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._resolver = resolver
        self._clock = clock
        self._known: dict[str, tuple[float, frozenset[str]]] = {}

    def matching(self, hosts: Iterable[str], address: str) -> list[str]:
        """Those of `hosts` that are this address or resolve to it."""
        wanted = normal(address)
        return [
            host for host in hosts if (normal(host) == wanted if is_address(host) else wanted in self.addresses(host))
        ]

    def addresses(self, name: str) -> frozenset[str]:
        now = self._clock()
        expires, known = self._known.get(name, (float("-inf"), frozenset()))
        if now < expires:
            return known
        with suppress(OSError):
            known = self._resolver(name)
        self._known[name] = (now + TIME_TO_LIVE, known)
        return known
