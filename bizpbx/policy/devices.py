"""The devices of an extension, as targets of a ring."""

from __future__ import annotations

from bizpbx.policy.plan import DeviceTarget
from bizpbx.policy.settings import Extension, Organisation


def device_targets(extension: Extension, organisation: Organisation, shown: str) -> tuple[DeviceTarget, ...]:
    """The devices that ring for an extension: chosen for incoming calls, activated and licensed."""
    return tuple(
        DeviceTarget(extension.key, device.kind, device.sip_user, organisation.domain, shown, device.tls)
        for device in extension.devices
        if device.rings and device.usable
    )
