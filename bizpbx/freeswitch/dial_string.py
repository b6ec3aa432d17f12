"""Dial strings. Nothing else builds them.

`{}[]<>,|:_:^^='\\` are syntax in a dial string and an apostrophe flips the quoting of the rest, so only tokens of
letters, digits and `+._-` get in. Names, which are free text, go through the `set` application.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bizpbx.errors import InvalidText
from bizpbx.freeswitch import consulting, transfer_keys
from bizpbx.freeswitch.arming import leg_variables
from bizpbx.policy.caller_id import ANONYMOUS
from bizpbx.policy.plan import DeviceTarget, GatewayTarget, Ring, Target

PROFILE = "internal"
"""SIP profile of devices."""

TLS_PROFILE = "internal-tls"
"""SIP profile of devices that require TLS; it takes nothing else."""

GATEWAYS_PROFILE = "external"
"""SIP profile of gateways."""

_TOKEN = re.compile(r"[A-Za-z0-9+._-]+")


@dataclass(frozen=True, slots=True)
class Legs:
    """What the legs of a ring have beside their targets. `warning` is the path of what is heard before a lease ends."""

    warning: str = ""
    keys: bool = True
    """Whether the codes of a transfer are heard on legs of devices."""
    consulting: consulting.Consulting | None = None
    """Where the caller has somebody held meanwhile."""
    names: Sequence[str] = ()
    """Then: the UUID of each target's leg."""


PLAIN = Legs()


def dial_string(ring: Ring, legs: Legs = PLAIN) -> str:
    """The argument of `bridge` that rings all targets of one step together; the first answer wins.

    Each leg carries its own caller number and the ring time; one with a lease is also told when to end. Raises
    InvalidText if a part is not a token.
    """
    targets = list(enumerate(ring.targets))
    if ring.patience:
        # Gateways first: one that is known to be down ends the ring before a phone has rung in vain.
        targets.sort(key=lambda numbered: isinstance(numbered[1], DeviceTarget))
    return ",".join(_leg(target, ring, legs, number) for number, target in targets)


def is_leased(target: Target) -> bool:
    """Whether talk time was granted to this leg."""
    return isinstance(target, GatewayTarget) and target.lease is not None


def device_leg(sip_user: str, domain: str, tls: bool, *variables: str) -> str:
    """A registered device with the variables of its leg. One that requires TLS is offered SRTP and nothing else, and
    only where it is registered over TLS."""
    held = [*variables, *_on_record(_token(sip_user), domain), *(["rtp_secure_media=mandatory"] if tls else [])]
    return f"[{','.join(held)}]{device_address(sip_user, domain, tls)}"


def device_address(sip_user: str, domain: str, tls: bool = False) -> str:
    """A registered device. The registration is the look-up: no directory request a leg."""
    return f"sofia/{profile_of(tls)}/{registered_as(sip_user, domain)}%{_token(domain)}"


def profile_of(tls: bool) -> str:
    """The SIP profile of a device that does, or does not, require TLS. Each keeps registrations of its own."""
    return TLS_PROFILE if tls else PROFILE


def registered_as(sip_user: str, domain: str) -> str:
    """The name a device's registration is kept under, whatever the phone wrote into its headers.

    The switch files a registration under the host of the To header, but checks the password against the realm that the
    phone names: with equal names in two organisations, one could take the other's calls (measured on 1.11). With the
    domain in the name it cannot.
    """
    return f"{_token(sip_user)}.{_token(domain)}"


def gateway_address(gateway: str, dial: str = "") -> str:
    """A number behind a gateway; without a number the part before it."""
    start = f"sofia/gateway/{_token(gateway)}"
    return f"{start}/{_token(dial)}" if dial else start


def _leg(target: Target, ring: Ring, legs: Legs, number: int) -> str:
    variables = [f"leg_timeout={ring.timeout:d}", *_identity(target, ring.withheld)]
    if legs.consulting is not None:
        name = legs.names[number]
        variables += consulting.leg_variables(legs.consulting, name, transfer_keys.CONTEXT)
        if not is_leased(target):
            variables.append(f"origination_uuid={name}")
    match target:
        case DeviceTarget():
            if legs.keys:
                variables += transfer_keys.leg_variables()
            return device_leg(target.sip_user, target.domain, target.tls, *variables)
        case GatewayTarget():
            if ring.patience is not None:
                variables.append(f"leg_progress_timeout={ring.patience:d}")
            if target.lease is not None:
                variables += leg_variables(target.lease, legs.warning)
            variables += _on_record(_token(target.dial), target.domain)
            return f"[{','.join(variables)}]{gateway_address(target.gateway, target.dial)}"


def _on_record(target: str, domain: str) -> list[str]:
    """Whose leg it is and what it calls, for the record that the switch writes of it."""
    whose = [f"bizpbx_organisation={_token(domain)}"] if domain else []
    return [*whose, f"bizpbx_target={target}"]


def _identity(target: Target, withheld: bool) -> list[str]:
    if isinstance(target, GatewayTarget):
        return identity(target.number, target.asserted, target.domain, withheld)
    return identity(target.number)


def identity(number: str, asserted: str | None = None, domain: str = "", withheld: bool = False) -> list[str]:
    """Who calls, for one leg, as variables. `asserted` is the organisation's number that answers for the call, given to
    gateways; `withheld` asks them not to show who calls.

    Measured on 1.11: a leg without a number of its own shows the caller's, withheld or not, and unless told `none` it
    repeats the caller's number and privacy in a header of the caller's own kind.
    """
    variables = [f"origination_caller_id_number={_token(number or ANONYMOUS)}", "sip_cid_type=none"]
    if asserted is not None:
        variables.append(f"sip_h_P-Asserted-Identity=sip:{_token(asserted)}@{_token(domain)}")
    if withheld:
        variables.append("sip_h_Privacy=id")
    return variables


def _token(text: str) -> str:
    if not _TOKEN.fullmatch(text):
        raise InvalidText(f"{text!r} cannot be part of a dial string.")
    return text
