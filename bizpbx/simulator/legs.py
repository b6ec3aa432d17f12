"""Outgoing legs: from an address in a dial string to a ringing phone, or to the cause why not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from bizpbx.simulator.causes import cause
from bizpbx.simulator.channel import Channel, Profile
from bizpbx.simulator.clock import Clock
from bizpbx.simulator.configuration import Gateway
from bizpbx.simulator.dial_string import Leg, parse
from bizpbx.simulator.directory import Directory
from bizpbx.simulator.endpoints import Endpoint, Invite, Locations
from bizpbx.simulator.events import EventBus
from bizpbx.simulator.text import is_false

_HEADER = "sip_h_"

SILENCE = 32.0
GATEWAY_SILENCE = 5.0
"""`timer-T1X64` of the gateways' profile; the one above is the default."""


class LegError(Exception):
    """A leg that cannot even be tried, and the cause."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


@dataclass
class OutgoingLeg:
    """A leg that was made and is to be rung."""

    channel: Channel
    endpoint: Endpoint
    invite: Invite
    delay: float
    timeout: float | None
    progress_timeout: float | None = None
    """Seconds until it has to ring."""
    silence: float = SILENCE
    """Seconds after which a far end that says nothing at all is given up."""

    def start(self) -> None:
        """Send the INVITE."""
        self.endpoint.invited(self.channel, self.invite)


class Legs:
    """Makes the legs of one switch."""

    def __init__(
        self, bus: EventBus, clock: Clock, directory: Directory, locations: Locations, gateways: Mapping[str, Gateway]
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._directory = directory
        self._locations = locations
        self._gateways = gateways

    def resolve(self, legs: tuple[Leg, ...], caller: Channel) -> Iterator[Leg | LegError]:
        """`user/…` becomes the dial string of its directory entry, and `error/…` the failure it stands for."""
        for leg in legs:
            kind, _, rest = leg.address.partition("/")
            if kind == "user":
                yield from self._user(leg, rest, caller)
            elif kind == "error":
                yield LegError(cause(rest))
            else:
                yield leg

    def _user(self, leg: Leg, address: str, caller: Channel) -> Iterator[Leg | LegError]:
        name, _, domain = address.partition("@")
        user = self._directory.find(domain, name, "user_call")
        if user is None:
            yield LegError("SUBSCRIBER_ABSENT")
            return
        inner = parse(caller.expand(user.params.get("dial-string", "")))
        if not inner.groups:
            yield LegError("DESTINATION_OUT_OF_ORDER")
            return
        for part in self.resolve(inner.groups[0], caller):
            if isinstance(part, LegError):
                yield part
            else:
                yield replace(part, variables={**leg.variables, **inner.variables, **part.variables})

    def make(self, leg: Leg, caller: Channel, variables: Mapping[str, str], named: set[str]) -> OutgoingLeg:
        """The channel of a leg. Raises LegError.

        `named` carries an oddity of FreeSWITCH from one leg of a group to the next: once a leg had an
        `origination_caller_id_…` of its own, the caller's `effective_caller_id_…` is no longer used for later legs.
        """
        values = {**_exported(caller), **variables, **leg.variables}
        address = leg.address.split("/")
        if len(address) < 3 or address[0] != "sofia":
            raise LegError("CHAN_NOT_IMPLEMENTED")
        if address[1] == "gateway":
            endpoint, to_user = self._gateway(address[2], "/".join(address[3:]))
            name = f"sofia/external/{to_user}"
        else:
            endpoint, to_user = self._device(address[1], address[2])
            name = f"sofia/{address[1]}/{to_user}"
        named |= {part for part in ("name", "number") if f"origination_caller_id_{part}" in values}
        profile = Profile(
            username=caller.profile.username,
            caller_id_name=_shown("name", values, caller, named) or caller.profile.caller_id_name,
            caller_id_number=_shown("number", values, caller, named) or caller.profile.caller_id_number,
            destination_number=leg.address.rpartition("/")[2],
            context=caller.profile.context,
        )
        channel = Channel(self._bus, self._clock, name, profile, "outbound", values.get("origination_uuid"))
        channel.call_uuid = caller.uuid
        channel.other = caller
        for key, value in values.items():
            channel.set(key, value)
        channel.set("originator", caller.uuid)
        if address[1] == "gateway":
            channel.set("sip_gateway_name", address[2])
        privacy = values.get("origination_privacy")
        channel.hides_number = caller.hides_number if privacy is None else "hide_number" in privacy
        headers = {
            **_identity(caller, profile, channel.hides_number, values.get("sip_cid_type")),
            **_extra_headers(caller, values),
        }
        invite = Invite(profile.caller_id_number, profile.caller_id_name, to_user, headers)
        timeout = _seconds(values.get("leg_timeout"))
        delay = _seconds(values.get("leg_delay_start")) or 0.0
        progress_timeout = _seconds(values.get("leg_progress_timeout"))
        silence = GATEWAY_SILENCE if address[1] == "gateway" else SILENCE
        return OutgoingLeg(channel, endpoint, invite, delay, timeout, progress_timeout, silence)

    def _gateway(self, name: str, number: str) -> tuple[Endpoint, str]:
        gateway = self._gateways.get(name)
        if gateway is None:
            raise LegError("INVALID_GATEWAY")
        endpoint = self._locations.at(gateway.port)
        if endpoint is None:
            raise LegError("NORMAL_TEMPORARY_FAILURE")
        return endpoint, number

    def _device(self, profile: str, address: str) -> tuple[Endpoint, str]:
        name, separator, domain = address.partition("%")
        if profile not in ("internal", "internal-tls", "external"):
            raise LegError("INVALID_PROFILE")
        if not separator:
            raise LegError("CHAN_NOT_IMPLEMENTED")
        # Simulated phones speak no TLS: all of them are registered on the other profile.
        endpoint = None if profile == "internal-tls" else self._locations.registered(name, domain)
        if endpoint is None:
            raise LegError("USER_NOT_REGISTERED")
        return endpoint, name


def _exported(caller: Channel) -> dict[str, str]:
    names = [name for name in (caller.get("export_vars") or "").split(",") if name]
    values = {name.removeprefix("nolocal:").removeprefix("_nolocal_"): caller.get(name) for name in names}
    return {name: value for name, value in values.items() if value}


def _shown(part: str, values: Mapping[str, str], caller: Channel, named: set[str]) -> str | None:
    own = values.get(f"origination_caller_id_{part}")
    return own or (None if part in named else caller.get(f"effective_caller_id_{part}"))


def _identity(caller: Channel, profile: Profile, hides_number: bool, kind: str | None) -> dict[str, str]:
    """Who calls, in the header the caller's own INVITE had it in: a leg follows the caller's way, unless it is told
    not to."""
    if kind == "none":
        return {}
    address = f'"{profile.caller_id_name}" <sip:{profile.caller_id_number}@127.0.0.1>'
    if caller.get("sip_P-Asserted-Identity"):
        privacy = {"Privacy": "id" if hides_number else "none"}
        return {**privacy, "P-Asserted-Identity": address}
    privacy_of = "full" if hides_number else "off"
    return {"Remote-Party-ID": f"{address};party=calling;screen=yes;privacy={privacy_of}"}


def _extra_headers(caller: Channel, values: Mapping[str, str]) -> dict[str, str]:
    """`sip_h_…` of the leg, and the caller's own X- and P- headers unless `sip_copy_custom_headers` is false."""
    copied = {} if is_false(caller.get("sip_copy_custom_headers")) else caller.variables
    custom = {key: value for key, value in copied.items() if key.startswith((f"{_HEADER}X-", f"{_HEADER}P-"))}
    named = {key: value for key, value in values.items() if key.startswith(_HEADER)}
    return {key.removeprefix(_HEADER): value for key, value in {**custom, **named}.items()}


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdigit() and int(text) else None
