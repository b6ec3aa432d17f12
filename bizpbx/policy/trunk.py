"""A call from outside. It reaches DIDs. From a gateway that has a rule of its own, such as a customer's PBX, it reaches
emergency numbers and what that rule opens as well. Keys cannot be dialled from there."""

from __future__ import annotations

from dataclasses import replace

from bizpbx.policy.caller import outside
from bizpbx.policy.emergency import emergency, emergency_number, planned_emergency_number
from bizpbx.policy.forwarding import MOST_DIVERSIONS
from bizpbx.policy.incoming import incoming
from bizpbx.policy.names import in_sentence
from bizpbx.policy.numbers import readings, written
from bizpbx.policy.outbound_rule import translate
from bizpbx.policy.outgoing import outgoing
from bizpbx.policy.plan import Cause, HangUp, Plan, Reason, Stage
from bizpbx.policy.request import FromTrunk, Request
from bizpbx.policy.rules import Rule
from bizpbx.policy.settings import Extension, Tenant
from bizpbx.policy.virtual_line import virtual_line


def from_trunk(call: FromTrunk, request: Request, tenant: Tenant) -> Plan:
    """The plan of a call that came in through a gateway."""
    organisation = tenant.organisation
    digits = written(request.dialled)
    if digits is None:
        return _refused(Cause.INVALID_NUMBER_FORMAT, Reason(Rule.DIALLED_INVALID, "what was dialled is not a number"))
    payer = tenant.gateway_payer(call.gateway) if call.gateway is not None else None
    if payer is not None:
        payer = _as_caller(payer, call, tenant)
        urgent = emergency_number(digits, organisation.country) or planned_emergency_number(
            digits, payer.rule, organisation.country
        )
        if urgent is not None:
            return emergency(urgent, payer, tenant)
    for number in readings(digits, organisation.country):
        plan = _to_did(number, call, request, tenant)
        if plan is not None:
            return plan
    if payer is not None:
        return _outward(payer, call, request, tenant)
    text = f"{digits} is no number of {organisation.domain} that leads to an extension"
    return _refused(Cause.UNALLOCATED_NUMBER, Reason(Rule.DID_UNKNOWN, text))


def _to_did(
    number: str, call: FromTrunk, request: Request, tenant: Tenant, before: tuple[Reason, ...] = ()
) -> Plan | None:
    """A call to this DID; None if it leads nowhere."""
    key = tenant.number_target(number)
    callee = tenant.extension(key) if key is not None else None
    line = tenant.virtual_line(key) if key is not None and callee is None else None
    caller = outside(call, tenant.organisation)
    told = Reason(Rule.DID, f"{number} is a number of the organisation and leads to {key}")
    if callee is not None:
        return incoming(callee, caller, number, tenant, (*before, told))
    if line is not None:
        return virtual_line(line, caller, number, tenant, request.moment, (*before, told))
    return None


def _outward(payer: Extension, call: FromTrunk, request: Request, tenant: Tenant) -> Plan:
    """An outgoing call, as one of the extension that pays: its guard, its usage limit. The rule is the gateway's."""
    rule = in_sentence(payer.rule.name) if payer.rule is not None else "no rule"
    by = Reason(Rule.GATEWAY_RULE, f"{call.gateway} calls out under {rule}, charged to {payer.key}")
    number, read = translate(request.dialled, payer.rule)
    if number is None:
        return _refused(Cause.INVALID_NUMBER_FORMAT, by, read)
    if tenant.owns(number):
        text = f"{number} is a number of the organisation that leads nowhere"
        unknown = _refused(Cause.UNALLOCATED_NUMBER, by, read, Reason(Rule.DID_UNKNOWN, text))
        return _to_did(number, call, request, tenant, (by, read)) or unknown
    if len(call.diverted_by) >= MOST_DIVERSIONS:
        text = f"{number} is not called: this call was diverted {len(call.diverted_by)} times before"
        return _refused(Cause.OUTGOING_CALL_BARRED, by, read, Reason(Rule.DIVERSIONS, text))
    return outgoing(payer, number, tenant.organisation, (by, read), caller_present=False, withheld=call.withheld)


def _as_caller(payer: Extension, call: FromTrunk, tenant: Tenant) -> Extension:
    """Who pays, presenting the number that the gateway gives, if that is the organisation's."""
    caller = outside(call, tenant.organisation)
    number = caller.number or caller.hidden
    if number is None or not tenant.owns(number):
        return payer
    return replace(payer, caller_id=number, draws_from=(), drawn=None)


def _refused(cause: Cause, *reasons: Reason) -> Plan:
    return Plan((HangUp(Stage.END, cause),), reasons)
