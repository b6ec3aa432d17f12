"""Which host names stand for an IP address: how a call from a trunk is recognised by where it comes from."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from ipaddress import ip_address, ip_network
from typing import Final

TIME_TO_LIVE = 60.0
"""Seconds that an answer of the resolver is used before it is asked again."""

PATIENCE = 1.0
"""Seconds that a call waits for names that have never been resolved, all together."""

NEVER: Final[tuple[float, frozenset[str]]] = (float("-inf"), frozenset())


def resolve(name: str) -> frozenset[str]:
    """The addresses of a host name, as the system's resolver tells. Raises OSError."""
    found = (str(each[4][0]) for each in socket.getaddrinfo(name, None, type=socket.SOCK_DGRAM))
    # One with a zone (`fe80::1%eth0`) means something on one machine alone.
    return frozenset(normal(address) for address in found if "%" not in address)


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


def in_background(work: Callable[[], None]) -> None:
    """Do it meanwhile: in a thread, or where threads are greenlets in one of these."""
    threading.Thread(target=work, name="resolver", daemon=True).start()


class Names:
    """Remembers what names resolve to. A name that cannot be resolved just now keeps its last addresses.

    Nobody waits for the resolver: it takes half a minute to give a name up, and any organisation can have a gateway
    with such a name. Old answers serve until a new one is there; only for a name that was never resolved somebody
    waits, `patience` seconds at the most.
    """

    def __init__(
        self,
        resolver: Callable[[str], frozenset[str]] = resolve,
        clock: Callable[[], float] = time.monotonic,
        start: Callable[[Callable[[], None]], object] = in_background,
        patience: float = PATIENCE,
    ) -> None:
        self._resolver = resolver
        self._clock = clock
        self._start = start
        self._patience = patience
        self._known: dict[str, tuple[float, frozenset[str]]] = {}
        self._asked: dict[str, threading.Event] = {}

    def matching(self, hosts: Iterable[str], address: str) -> list[str]:
        """Those of `hosts` that are this address or resolve to it."""
        hosts = list(hosts)
        wanted = normal(address)
        known = self.addresses(host for host in hosts if not is_address(host))
        return [host for host in hosts if (wanted in known[host] if host in known else normal(host) == wanted)]

    def addresses(self, names: Iterable[str]) -> dict[str, frozenset[str]]:
        """What each of these names resolves to, as far as that is known."""
        names = list(names)
        now = self._clock()
        for name in names:
            expires, _ = self._known.get(name, NEVER)
            if now >= expires and name not in self._asked:
                self._ask(name)
        new = [asked for name in names if name not in self._known and (asked := self._asked.get(name)) is not None]
        deadline = time.monotonic() + self._patience
        for asked in new:
            asked.wait(max(0.0, deadline - time.monotonic()))
        return {name: self._known.get(name, NEVER)[1] for name in names}

    def _ask(self, name: str) -> None:
        answered = self._asked[name] = threading.Event()

        def ask() -> None:
            _, found = self._known.get(name, NEVER)
            try:
                with suppress(OSError, UnicodeError):
                    found = self._resolver(name)
            finally:
                self._known[name] = (self._clock() + TIME_TO_LIVE, found)
                del self._asked[name]
                answered.set()

        self._start(ask)
