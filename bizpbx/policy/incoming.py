"""A call to an extension, in the order of product §4: gateway, do not disturb, forwarding, devices, no answer."""

from __future__ import annotations

from bizpbx.policy.caller import Caller, is_vip
from bizpbx.policy.caller_id import of_caller
from bizpbx.policy.devices import device_targets
from bizpbx.policy.failover import attempts
from bizpbx.policy.forwarding import forward, unrung
from bizpbx.policy.no_answer import no_answer, wait
from bizpbx.policy.numbers import is_token
from bizpbx.policy.plan import Cause, GatewayTarget, HangUp, Plan, Reason, Ring, Stage, Step, Target
from bizpbx.policy.rules import Rule
from bizpbx.policy.settings import Extension, Gateway, Tenant


def incoming(callee: Extension, caller: Caller, called: str, tenant: Tenant, before: tuple[Reason, ...]) -> Plan:
    """A call to an extension. `called` is the key or DID (E.164) that was dialled, `before` what was decided so far."""
    if caller.withheld:
        before = (*before, Reason(Rule.WITHHELD, "the number of the caller is withheld or cannot be read"))
    if callee.gateway is not None:
        steps, reasons = _mapped(callee, callee.gateway, caller, called, tenant)
    elif callee.do_not_disturb:
        text = f"{callee.key} is on do not disturb: it neither rings nor forwards, the caller gets busy"
        steps, reasons = (HangUp(Stage.END, Cause.USER_BUSY),), (Reason(Rule.DO_NOT_DISTURB, text),)
    elif not callee.forwarding.enabled:
        steps, reasons = _devices(callee, caller, tenant)
    elif is_vip(caller, callee.forwarding):
        vip = Reason(Rule.VIP, f"{caller.text} is on the VIP list of {callee.key}: the call is not forwarded")
        steps, reasons = _devices(callee, caller, tenant)
        reasons = (vip, *reasons)
    else:
        steps, reasons = _forwarded(callee, caller, tenant)
    return Plan(steps, (*before, *reasons), callee.key)


def _mapped(
    callee: Extension, gateway: Gateway, caller: Caller, called: str, tenant: Tenant
) -> tuple[tuple[Step, ...], tuple[Reason, ...]]:
    shown = of_caller(caller, tenant.organisation)
    dial = gateway.username if gateway.username is not None and is_token(gateway.username) else called
    target = GatewayTarget(gateway.switch_name, dial, shown.inside, domain=tenant.organisation.domain)
    ring = Ring(Stage.RING, (target,), wait(callee), shown.name, shown.withheld)
    reason = Reason(Rule.GATEWAY_MAPPED, f"all calls to {callee.key} go to {dial} at {gateway.name}")
    steps, after = no_answer(callee, caller, tenant, ring, Cause.NO_ANSWER)
    return (ring, *steps), (reason, *after)


def _devices(callee: Extension, caller: Caller, tenant: Tenant) -> tuple[tuple[Step, ...], tuple[Reason, ...]]:
    shown = of_caller(caller, tenant.organisation)
    targets = device_targets(callee, tenant.organisation, shown.inside)
    if not targets:
        reason = Reason(Rule.NO_DEVICE, f"{callee.key} has no usable device that rings")
        steps, after = no_answer(callee, caller, tenant, None, Cause.USER_NOT_REGISTERED)
        return steps, (reason, *after)
    ring = Ring(Stage.RING, targets, wait(callee), shown.name, shown.withheld)
    kinds = ", ".join(target.kind for target in targets)
    reason = Reason(Rule.DEVICES, f"{callee.key} rings on {kinds} for {ring.timeout} s, showing {shown.inside}")
    steps, after = no_answer(callee, caller, tenant, ring, Cause.NO_ANSWER)
    return (ring, *steps), (reason, *after)


def _forwarded(callee: Extension, caller: Caller, tenant: Tenant) -> tuple[tuple[Step, ...], tuple[Reason, ...]]:
    settings = callee.forwarding
    onward, shows = forward(callee, caller, tenant)
    found: list[Target] = []
    reasons: list[Reason] = []
    for key in settings.extensions:
        targets, why = onward.to_extension(key)
        found += targets
        reasons += why
    if settings.number is not None:
        targets, why = onward.to_number(settings.number)
        found += targets
        reasons += why
    asked = ", ".join((*settings.extensions, *((settings.number,) if settings.number is not None else ())))
    text = f"{callee.key} forwards to {asked or 'nobody'} (forwarding on, {caller.text} is not on the VIP list)"
    started = Reason(Rule.FORWARDING, text)
    if not found:
        nobody = Reason(Rule.FORWARD_NOBODY, f"the forward of {callee.key} leaves nobody to ring")
        steps, after = no_answer(callee, caller, tenant, None, Cause.NO_ANSWER)
        return steps, (started, *reasons, nobody, *after)
    ring = onward.ring(Stage.RING, unrung(found, ()), wait(callee))
    steps, after = no_answer(callee, caller, tenant, ring, Cause.NO_ANSWER)
    return (*attempts(ring), *steps), (started, *reasons, shows, *after)
