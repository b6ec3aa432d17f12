"""Directory entries: what lets a device in, and what keeps everything else out.

One template serves the static tree and the answers to mod_xml_curl. "Not found" is not a refusal, since the switch then
asks the static tree; a refusal is an entry that forbids.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from bizpbx.freeswitch.dial_string import (
    GATEWAYS_PROFILE,
    PROFILE,
    TLS_PROFILE,
    device_leg,
    gateway_address,
    registered_as,
)
from bizpbx.freeswitch.display_name import display_name
from bizpbx.freeswitch.rendering.environment import render, safe, token
from bizpbx.policy.line import RingExtensions, VirtualLine
from bizpbx.policy.numbers import is_token
from bizpbx.policy.plan import Cause
from bizpbx.policy.settings import Device, Extension, Gateway, Organisation, OrganisationSettings

GROUP_SIZE = 200
"""Users in one group. FreeSWITCH's parser walks all earlier brothers for each new element, so one flat list of 40,000
users takes it seconds on every reload; groups make it linear again."""


@dataclass(frozen=True, slots=True)
class User:
    """One entry. Without `ha1` it can neither register nor place a call."""

    id: str
    dial_string: str
    ha1: str | None = None
    registers_as: str = ""
    extension: str = ""
    """Key and label that a call of this device shows inside; empty where no call can be placed."""
    label: str = ""
    tls: bool = False
    """Its calls have to come over TLS, and to encrypt their media."""


def directory_document(domain: str, *users: User) -> str:
    """The answer to mod_xml_curl about these users."""
    return render("directory_document.xml", domain=token(domain, "domain"), users=users)


def device_document(organisation: Organisation, extension: Extension, device: Device, profile: str = PROFILE) -> str:
    """The answer about a device that signs in on a SIP profile: let in if it is usable and this is its profile.

    One that requires TLS is refused without it. One that does not is refused with it: it would be registered where no
    call looks for it, and nobody would see why it never rings. The gateways' profile is nobody's.
    """
    if device.tls is not (profile == TLS_PROFILE) or profile == GATEWAYS_PROFILE:
        return refused_document(organisation.domain, device.sip_user)
    return directory_document(organisation.domain, device_user(organisation, extension, device))


def key_document(organisation: Organisation, extension: Extension) -> str:
    """The answer about a key, as the native fallback dials it."""
    return directory_document(organisation.domain, key_user(organisation, extension))


def line_document(organisation: Organisation, line: VirtualLine, extension: Callable[[str], Extension | None]) -> str:
    """The answer about the key of a virtual line."""
    return directory_document(organisation.domain, line_user(organisation, line, extension))


def refused_document(domain: str, user: str, cause: Cause = Cause.USER_NOT_REGISTERED) -> str:
    """The answer that refuses: `user` can neither register nor call, and a call to it ends with `cause`."""
    return directory_document(domain, refused_user(user, cause))


def refused_user(user: str, cause: Cause = Cause.USER_NOT_REGISTERED) -> User:
    """An entry that cannot authenticate and cannot be called. `user` may be anything a stranger asked for."""
    return User(id=safe(user, "user"), dial_string=f"error/{cause}")


def device_user(organisation: Organisation, extension: Extension, device: Device) -> User:
    """The entry of one SIP account."""
    field = f"extensions.{extension.key}.devices.{device.kind}"
    sip_user = token(device.sip_user, field)
    if not device.usable or not device.ha1:
        return refused_user(sip_user)
    return User(
        id=sip_user,
        dial_string=device_leg(sip_user, organisation.domain, device.tls),
        ha1=token(device.ha1, field),
        registers_as=registered_as(sip_user, organisation.domain),
        extension=token(extension.key, "key"),
        label=display_name(safe(extension.label, f"extensions.{extension.key}.label")),
        tls=device.tls,
    )


def key_user(organisation: Organisation, extension: Extension) -> User:
    """The entry of an extension number: nobody can be it, and dialling it rings the extension's devices together."""
    return User(id=token(extension.key, "key"), dial_string=_native_dial_string(organisation, extension))


def line_user(organisation: Organisation, line: VirtualLine, extension: Callable[[str], Extension | None]) -> User:
    """The entry of a virtual line's key: dialling it rings the extensions of its first ring step together. The rest
    of a line needs a controller; one without a ring step has nobody to ring."""
    ring = next((step.action for step in line.steps if isinstance(step.action, RingExtensions)), None)
    if ring is None:
        return User(id=token(line.key, "key"), dial_string=f"error/{Cause.NORMAL_TEMPORARY_FAILURE}")
    found = [callee for key in ring.extensions if (callee := extension(key)) is not None]
    legs = [leg for callee in found for leg in _legs(organisation, callee, ring.seconds)]
    return User(id=token(line.key, "key"), dial_string=",".join(legs) or f"error/{Cause.USER_NOT_REGISTERED}")


def _native_dial_string(organisation: Organisation, extension: Extension) -> str:
    if extension.gateway is None and extension.do_not_disturb:
        return f"error/{Cause.USER_BUSY}"
    legs = _legs(organisation, extension, extension.no_answer.wait)
    return ",".join(legs) or f"error/{Cause.USER_NOT_REGISTERED}"


def _legs(organisation: Organisation, extension: Extension, seconds: int) -> list[str]:
    """What rings for an extension; nothing where it is on do not disturb."""
    if extension.gateway:
        return [gateway_address(extension.gateway.switch_name, _number_behind(extension.gateway) or extension.key)]
    if extension.do_not_disturb:
        return []
    # Whether a device has a password is not asked: without one it is not registered, and its leg ends at once.
    ringing = (device for device in extension.devices if device.usable and device.rings)
    wait = f"leg_timeout={seconds}"
    return [device_leg(device.sip_user, organisation.domain, device.tls, wait) for device in ringing]


def _number_behind(gateway: Gateway) -> str | None:
    return gateway.username if gateway.username and is_token(gateway.username) else None


def directory_file(settings: OrganisationSettings, tls: bool) -> str:
    """The static directory of one organisation, for a switch with or without a TLS profile. It cannot tell one profile
    from the other; without a TLS profile it refuses the devices that require one."""
    domain = token(settings.organisation.domain, "domain")
    return render("directory.xml", domain=domain, groups=list(_groups(_users(settings, tls))))


def _users(settings: OrganisationSettings, tls: bool) -> Iterator[User]:
    by_key = {extension.key: extension for extension in settings.extensions} if settings.lines else {}
    for line in settings.lines:
        yield line_user(settings.organisation, line, by_key.get)
    for extension in settings.extensions:
        yield key_user(settings.organisation, extension)
        for device in extension.devices:
            if device.tls and not tls:
                yield refused_user(token(device.sip_user, f"extensions.{extension.key}.devices.{device.kind}"))
            else:
                yield device_user(settings.organisation, extension, device)


def _groups(users: Iterable[User]) -> Iterator[list[User]]:
    remaining = iter(users)
    while group := list(itertools.islice(remaining, GROUP_SIZE)):
        yield group
