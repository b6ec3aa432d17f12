"""Calls to public numbers: the rule and the caller ID of the extension that causes the call."""

from __future__ import annotations

from dataclasses import dataclass

from bizpbx.policy.caller_id import planned, presented
from bizpbx.policy.names import in_sentence
from bizpbx.policy.outbound_rule import permit
from bizpbx.policy.plan import Cause, GatewayTarget, HangUp, Plan, Reason, Ring, Stage
from bizpbx.policy.rules import Rule
from bizpbx.policy.settings import Extension, Gateway, Organisation

RING_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Route:
    """A call that may be made: through this gateway, presenting this number (E.164)."""

    gateway: Gateway
    presented: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that may not be made."""

    cause: Cause
    reason: Reason


def route(owner: Extension, number: str, organisation: Organisation) -> Route | Refusal:
    """How an extension may call an E.164 number: whitelist, gateway and caller ID, in this order. Denied by default."""
    rule = owner.rule
    if rule is None:
        text = f"{owner.key} has no outbound rule and {organisation.domain} has no default rule: no external calls"
        return Refusal(Cause.OUTGOING_CALL_BARRED, Reason(Rule.NO_RULE, text))
    permitted, why = permit(number, rule)
    if not permitted:
        return Refusal(Cause.OUTGOING_CALL_BARRED, why)
    gateway = rule.gateway or organisation.trunk
    if gateway is None:
        text = f"{in_sentence(rule.name)} names no gateway and {organisation.domain} has no trunk"
        return Refusal(Cause.NORMAL_TEMPORARY_FAILURE, Reason(Rule.NO_GATEWAY, text))
    plan = planned(number, rule)
    if plan is not None:
        return Route(gateway, plan[0], (why, plan[1]))
    shown = presented(owner, organisation)
    if shown is None:
        text = f"{owner.key} has no caller ID and {organisation.domain} no main number: there is no number to present"
        return Refusal(Cause.OUTGOING_CALL_BARRED, Reason(Rule.NO_CALLER_ID, text))
    return Route(gateway, shown, (why,))


def outgoing(owner: Extension, number: str, organisation: Organisation, before: tuple[Reason, ...]) -> Plan:
    """The call of an extension to an E.164 number."""
    way = route(owner, number, organisation)
    if isinstance(way, Refusal):
        return Plan((HangUp(Stage.END, way.cause),), (*before, way.reason))
    ring = Ring(
        stage=Stage.RING,
        targets=(GatewayTarget(way.gateway.switch_name, number, way.presented, way.presented, organisation.domain),),
        timeout=RING_SECONDS,
        caller_name=way.presented,
    )
    shows = Reason(Rule.CALLER_ID, f"{owner.key} presents {way.presented} through {way.gateway.name}")
    return Plan((ring, HangUp(Stage.END)), (*before, *way.reasons, shows))
