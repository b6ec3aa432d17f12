"""The entry to the policy: one call and the settings of one organisation in, the plan out."""

from __future__ import annotations

from dataclasses import replace

from bizpbx.policy.caller import outside
from bizpbx.policy.consultation import consultation
from bizpbx.policy.draw import DrawnTenant
from bizpbx.policy.incoming import incoming
from bizpbx.policy.internal import from_device
from bizpbx.policy.numbers import readings, written
from bizpbx.policy.plan import Cause, HangUp, Plan, Reason, Stage
from bizpbx.policy.request import FromConsultation, FromDevice, FromTransfer, FromTrunk, Request
from bizpbx.policy.rules import Rule
from bizpbx.policy.settings import Tenant
from bizpbx.policy.transfer import transferred
from bizpbx.policy.virtual_line import virtual_line


def decide(request: Request, tenant: Tenant) -> Plan:
    """What happens to a call, step by step, and why. Never raises for a text that a caller can send; the same call and
    settings always give the same plan."""
    plan = _decided(request, DrawnTenant(tenant, request.chance))
    return replace(plan, transfers=tenant.organisation.transfers)


def _decided(request: Request, tenant: Tenant) -> Plan:
    caller = request.caller
    if isinstance(caller, FromDevice):
        return from_device(caller, request, tenant)
    if isinstance(caller, FromTransfer):
        return transferred(caller, request, tenant)
    if isinstance(caller, FromConsultation):
        return consultation(caller, request, tenant)
    return from_trunk(caller, request, tenant)


def from_trunk(call: FromTrunk, request: Request, tenant: Tenant) -> Plan:
    """A call from outside. It reaches DIDs only: keys, public and emergency numbers cannot be dialled from there."""
    dialled = request.dialled
    digits = written(dialled)
    if digits is None:
        reason = Reason(Rule.DIALLED_INVALID, "what was dialled is not a number")
        return Plan((HangUp(Stage.END, Cause.INVALID_NUMBER_FORMAT),), (reason,))
    organisation = tenant.organisation
    for number in readings(dialled, organisation.country):
        key = tenant.number_target(number)
        callee = tenant.extension(key) if key is not None else None
        if callee is not None:
            did = Reason(Rule.DID, f"{number} is a number of the organisation and leads to {callee.key}")
            return incoming(callee, outside(call, organisation), number, tenant, (did,))
        line = tenant.virtual_line(key) if key is not None else None
        if line is not None:
            did = Reason(Rule.DID, f"{number} is a number of the organisation and leads to {line.key}")
            return virtual_line(line, outside(call, organisation), number, tenant, request.moment, (did,))
    reason = Reason(Rule.DID_UNKNOWN, f"{digits} is no number of {organisation.domain} that leads to an extension")
    return Plan((HangUp(Stage.END, Cause.UNALLOCATED_NUMBER),), (reason,))
