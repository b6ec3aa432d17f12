"""Emergency calls of gateways that call out, where there is no controller: the switch itself has to tell which gateway
calls, as a controller would."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bizpbx.freeswitch.rendering.emergency import Emergency, emergency_of
from bizpbx.freeswitch.rendering.environment import inside, token
from bizpbx.policy.settings import Gateway, OrganisationSettings


@dataclass(frozen=True, slots=True)
class Calling:
    """A way to tell a gateway: (variable, expression) of what holds for its calls, and what becomes of those."""

    domain: str
    name: str
    conditions: tuple[tuple[str, str], ...]
    emergency: Emergency


def calling(organisations: Iterable[OrganisationSettings]) -> list[Calling]:
    """Every gateway that calls out, by its account, and by its address where that is its alone, or the port with it."""
    everyone = list(organisations)
    gateways = [gateway for settings in everyone for gateway in settings.gateways]
    return [one for settings in everyone for one in _of(settings, gateways)]


def _of(settings: OrganisationSettings, gateways: list[Gateway]) -> Iterator[Calling]:
    with inside(settings.organisation.domain):
        emergency = emergency_of(settings.organisation)
        if emergency is None:
            return
        for gateway in settings.gateways:
            if gateway.name not in settings.calling_gateways:
                continue
            name = token(gateway.switch_name, f"gateways.{gateway.name}")
            if gateway.password:
                account = ("bizpbx_gateway", rf"^{re.escape(name)}\z")
                yield Calling(settings.organisation.domain, f"{name}-account", (account,), emergency)
            address = _address(gateway, gateways)
            if address:
                yield Calling(settings.organisation.domain, f"{name}-address", address, emergency)


def _address(gateway: Gateway, gateways: list[Gateway]) -> tuple[tuple[str, str], ...]:
    """What its calls have that no other gateway's do. A host name tells the switch nothing."""
    try:
        host = ipaddress.ip_address(gateway.host.strip("[]"))
    except ValueError:
        return ()
    there = ("sip_network_ip", rf"^{re.escape(str(host))}\z")
    others = [other for other in gateways if other is not gateway and _calls_from(other, str(host))]
    if not others:
        return (there,)
    if any(other.port == gateway.port for other in others):
        return ()
    return there, ("sip_network_port", rf"^{gateway.port}\z")


def _calls_from(gateway: Gateway, address: str) -> bool:
    if gateway.host.strip("[]") == address:
        return True
    return any(ipaddress.ip_address(address) in ipaddress.ip_network(each) for each in gateway.addresses)
