"""The entry to the policy: one call and the settings of one organisation in, the plan out."""

from __future__ import annotations

from dataclasses import replace

from bizpbx.policy.consultation import consultation
from bizpbx.policy.draw import DrawnTenant
from bizpbx.policy.internal import from_device
from bizpbx.policy.plan import Plan
from bizpbx.policy.request import FromConsultation, FromDevice, FromTransfer, Request
from bizpbx.policy.settings import Tenant
from bizpbx.policy.transfer import transferred
from bizpbx.policy.trunk import from_trunk


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
