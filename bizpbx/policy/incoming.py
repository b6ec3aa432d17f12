"""A call to an extension, in the order of product §4: gateway, do not disturb, forwarding, devices, no answer."""

from __future__ import annotations

from bizpbx.policy.caller import Caller, is_vip
from bizpbx.policy.caller_id import of_caller
from bizpbx.policy.devices import device_targets
from bizpbx.policy.failover import attempts
from bizpbx.policy.forwarding import forward, unrung
from bizpbx.policy.no_answer import Outcome, no_answer, wait
from bizpbx.policy.numbers import is_token
from bizpbx.policy.plan import Cause, GatewayTarget, HangUp, Plan, Reason, Ring, Stage, Step, Target
from bizpbx.policy.rules import Rule
from bizpbx.policy.settings import Extension, ExtensionType, Gateway, NoAnswerAction, Tenant


def incoming(callee: Extension, caller: Caller, called: str, tenant: Tenant, before: tuple[Reason, ...]) -> Plan:
    """A call to an extension. `called` is the key or DID (E.164) that was dialled, `before` what was decided so far."""
    if caller.withheld:
        before = (*before, Reason(Rule.WITHHELD, "the number of the caller is withheld or cannot be read"))
    if callee.gateway is not None:
        outcome = _mapped(callee, callee.gateway, caller, called, tenant)
    elif callee.do_not_disturb:
        outcome = _undisturbed(callee, caller, tenant)
    elif not callee.forwarding.enabled:
        outcome = _devices(callee, caller, tenant)
    elif is_vip(caller, callee.forwarding):
        vip = Reason(Rule.VIP, f"{caller.text} is on the VIP list of {callee.key}: the call is not forwarded")
        outcome = _after((), (vip,), _devices(callee, caller, tenant))
    else:
        outcome = _forwarded(callee, caller, tenant)
    return Plan(outcome.stamped, (*before, *outcome.reasons), callee.key)


def _after(steps: tuple[Step, ...], reasons: tuple[Reason, ...], outcome: Outcome) -> Outcome:
    """What comes first, and then the rest."""
    return Outcome((*steps, *outcome.steps), (*reasons, *outcome.reasons), outcome.kept)


def _undisturbed(callee: Extension, caller: Caller, tenant: Tenant) -> Outcome:
    settings = callee.no_answer
    silent = settings.action is NoAnswerAction.HANG_UP and settings.message is None
    if callee.type is ExtensionType.CALL_CENTER or settings.action is NoAnswerAction.FORWARD or silent:
        text = f"{callee.key} is on do not disturb: it neither rings nor forwards, the caller gets busy"
        return Outcome((HangUp(Stage.END, Cause.USER_BUSY),), (Reason(Rule.DO_NOT_DISTURB, text),))
    reason = Reason(Rule.DO_NOT_DISTURB, f"{callee.key} is on do not disturb: it neither rings nor forwards")
    return _after((), (reason,), no_answer(callee, caller, tenant, None, Cause.USER_BUSY))


def _mapped(callee: Extension, gateway: Gateway, caller: Caller, called: str, tenant: Tenant) -> Outcome:
    shown = of_caller(caller, tenant.organisation)
    dial = gateway.username if gateway.username is not None and is_token(gateway.username) else called
    # A carrier that is asked for a DID of ours sends the call back to us.
    returns = gateway.trunk and dial == called and called.startswith("+")
    if returns and called in caller.diverted_by:
        text = f"the call to {called} was sent to {gateway.name} before, and comes back"
        return _after((), (Reason(Rule.LOOP, text),), no_answer(callee, caller, tenant, None, Cause.NO_ANSWER))
    target = GatewayTarget(gateway.switch_name, dial, shown.inside, domain=tenant.organisation.domain)
    diverted_by = called if returns else None
    ring = Ring(Stage.RING, (target,), wait(callee), shown.name, shown.withheld, diverted_by=diverted_by)
    reason = Reason(Rule.GATEWAY_MAPPED, f"all calls to {callee.key} go to {dial} at {gateway.name}")
    return _after((ring,), (reason,), no_answer(callee, caller, tenant, ring, Cause.NO_ANSWER))


def _devices(callee: Extension, caller: Caller, tenant: Tenant) -> Outcome:
    shown = of_caller(caller, tenant.organisation)
    targets = device_targets(callee, tenant.organisation, shown.inside)
    if not targets:
        reason = Reason(Rule.NO_DEVICE, f"{callee.key} has no usable device that rings")
        return _after((), (reason,), no_answer(callee, caller, tenant, None, Cause.USER_NOT_REGISTERED))
    ring = Ring(Stage.RING, targets, wait(callee), shown.name, shown.withheld)
    kinds = ", ".join(target.kind for target in targets)
    reason = Reason(Rule.DEVICES, f"{callee.key} rings on {kinds} for {ring.timeout} s, showing {shown.inside}")
    return _after((ring,), (reason,), no_answer(callee, caller, tenant, ring, Cause.NO_ANSWER))


def _forwarded(callee: Extension, caller: Caller, tenant: Tenant) -> Outcome:
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
        rest = no_answer(callee, caller, tenant, None, Cause.NO_ANSWER)
        return _after((), (started, *reasons, nobody), rest)
    ring = onward.ring(Stage.RING, unrung(found, ()), wait(callee))
    rest = no_answer(callee, caller, tenant, ring, Cause.NO_ANSWER)
    return _after(attempts(ring), (started, *reasons, shows), rest)
