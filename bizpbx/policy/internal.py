"""A device of the organisation dials: emergency number, code, key, number of the organisation, public number."""

from __future__ import annotations

import re
from datetime import datetime

from bizpbx.policy.caller import inside
from bizpbx.policy.emergency import emergency, emergency_number, planned_emergency_number
from bizpbx.policy.incoming import incoming
from bizpbx.policy.mailbox import CODE, mailbox
from bizpbx.policy.outbound_rule import first_match, translate
from bizpbx.policy.outgoing import outgoing
from bizpbx.policy.plan import PROMPT_FOR, Announce, Cause, HangUp, Plan, Reason, Stage
from bizpbx.policy.request import FromDevice, Request
from bizpbx.policy.rules import Rule
from bizpbx.policy.settings import Device, Extension, Tenant
from bizpbx.policy.virtual_line import virtual_line

_KEY = re.compile(r"[0-9]{2,6}")


def from_device(call: FromDevice, request: Request, tenant: Tenant) -> Plan:
    """The call of a device. Emergency numbers come first: no key may be one, and no state of the device bars them."""
    dialled = request.dialled
    caller, device = owner_of(call.sip_user, tenant)
    urgent = emergency_number(dialled, tenant.organisation.country)
    if urgent is None and caller is not None and not _known(dialled, tenant):
        urgent = planned_emergency_number(dialled, caller.rule, tenant.organisation.country)
    if urgent is not None:
        return emergency(urgent, caller, tenant)
    if caller is None or device is None:
        return _refused(Cause.CALL_REJECTED, Reason(Rule.DEVICE_UNKNOWN, "the calling device is of no extension"))
    unusable = why_not(caller, device)
    if unusable is not None:
        return _refused(Cause.CALL_REJECTED, unusable)
    if device.tls and not call.secure:
        text = f"the calling device, {device.kind} of {caller.key}, requires TLS and calls without it"
        return _refused(Cause.CALL_REJECTED, Reason(Rule.DEVICE_NOT_SECURE, text))
    if dialled == CODE:
        return mailbox(caller)
    if _known(dialled, tenant):
        reason = Reason(Rule.KEY, f"{caller.key} dials the key {dialled}")
        return _to_key(caller, dialled, dialled, tenant, request.moment, reason)
    return _to_number(caller, request, tenant)


def _known(dialled: str, tenant: Tenant) -> bool:
    """Whether this is the key of somebody."""
    if not _KEY.fullmatch(dialled):
        return False
    return tenant.extension(dialled) is not None or tenant.virtual_line(dialled) is not None


def _to_number(caller: Extension, request: Request, tenant: Tenant) -> Plan:
    dialled = request.dialled
    if _KEY.fullmatch(dialled) and first_match(dialled, caller.rule) is None:
        reason = Reason(Rule.KEY_UNKNOWN, f"{dialled} is no key of {tenant.organisation.domain} and in no dial plan")
        return _not_in_service(reason)
    number, read = translate(dialled, caller.rule)
    if number is None:
        return _refused(Cause.INVALID_NUMBER_FORMAT, read)
    key = tenant.number_target(number)
    if key is None:
        return outgoing(caller, number, tenant.organisation, (read,))
    did = Reason(Rule.DID, f"{number} is a number of the organisation and leads to {key}")
    return _to_key(caller, key, number, tenant, request.moment, read, did)


def _to_key(caller: Extension, key: str, called: str, tenant: Tenant, moment: datetime | None, *before: Reason) -> Plan:
    callee = tenant.extension(key)
    line = tenant.virtual_line(key) if callee is None else None
    if line is not None:
        return virtual_line(line, inside(caller), called, tenant, moment, before)
    if callee is None:
        reason = Reason(Rule.KEY_UNKNOWN, f"there is no extension {key}")
        return _not_in_service(*before, reason)
    if key == caller.key:
        reason = Reason(Rule.OWN_KEY, f"{key} calls itself: its line is the one that calls, so it is busy")
        return Plan((HangUp(Stage.END, Cause.USER_BUSY),), (*before, reason), key)
    return incoming(callee, inside(caller), called, tenant, before)


def owner_of(sip_user: str, tenant: Tenant) -> tuple[Extension | None, Device | None]:
    """The device with this SIP user, and whose it is."""
    key = sip_user.rpartition("-")[0]
    extension = tenant.extension(key) if _KEY.fullmatch(key) else None
    if extension is None:
        return None, None
    return extension, next((device for device in extension.devices if device.sip_user == sip_user), None)


def why_not(extension: Extension, device: Device) -> Reason | None:
    """Why a device can be used for nothing but emergency calls; None: it can be used."""
    if not device.active:
        text = f"the calling device, {device.kind} of {extension.key}, is not activated"
        return Reason(Rule.DEVICE_INACTIVE, text)
    if not device.licensed:
        text = f"the calling device, {device.kind} of {extension.key}, has no licence"
        return Reason(Rule.DEVICE_UNLICENSED, text)
    return None


def _not_in_service(*reasons: Reason) -> Plan:
    cause = Cause.UNALLOCATED_NUMBER
    return Plan((Announce(Stage.ANNOUNCE, PROMPT_FOR[cause]), HangUp(Stage.END, cause)), reasons)


def _refused(cause: Cause, *reasons: Reason) -> Plan:
    return Plan((HangUp(Stage.END, cause),), reasons)
