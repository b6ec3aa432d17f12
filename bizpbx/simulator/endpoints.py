"""The far ends of legs: what is registered where, and what a gateway leads to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bizpbx.simulator.channel import Channel


@dataclass(frozen=True)
class Invite:
    """An INVITE as it arrives at a phone or a carrier."""

    number: str
    """User of the From header."""
    display_name: str
    to_user: str
    """User of the request URI."""
    headers: Mapping[str, str]
    """Extra headers, such as Diversion."""


class Endpoint(Protocol):
    """A phone or carrier. It acts on the leg (`ring`, `answer`, `hang_up`), whose `ended` tells of CANCEL and BYE."""

    def invited(self, leg: Channel, invite: Invite) -> None:
        """Take the call and return at once."""


class Locations:
    """Registrations, by name and domain, and what listens on the addresses of gateways, by port."""

    def __init__(self) -> None:
        self._registered: dict[tuple[str, str], Endpoint] = {}
        self._listening: dict[int, Endpoint] = {}

    def register(self, name: str, domain: str, endpoint: Endpoint) -> None:
        """Keep the newest registration of a name."""
        self._registered[name, domain] = endpoint

    def forget(self, endpoint: Endpoint) -> None:
        """Take away the registrations and the address of an endpoint."""
        self._registered = {key: value for key, value in self._registered.items() if value is not endpoint}
        self._listening = {port: value for port, value in self._listening.items() if value is not endpoint}

    def registered(self, name: str, domain: str) -> Endpoint | None:
        return self._registered.get((name, domain))

    def listen(self, port: int, endpoint: Endpoint) -> None:
        self._listening[port] = endpoint

    def at(self, port: int) -> Endpoint | None:
        return self._listening.get(port)

    @property
    def names(self) -> list[tuple[str, str]]:
        """All registrations as (name, domain)."""
        return list(self._registered)
