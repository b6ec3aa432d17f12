"""Calls to public numbers: the rule and the caller ID of the extension that causes the call."""

from __future__ import annotations

from dataclasses import dataclass

from bizpbx.policy.caller_id import ANONYMOUS, planned, presented
from bizpbx.policy.failover import attempts, gateways_of
from bizpbx.policy.names import in_sentence
from bizpbx.policy.outbound_rule import access
from bizpbx.policy.passcode import passcode
from bizpbx.policy.plan import (
    PROMPT_FOR,
    Announce,
    AskPasscode,
    Cause,
    GatewayTarget,
    HangUp,
    Plan,
    Reason,
    Ring,
    Stage,
    Step,
)
from bizpbx.policy.rules import Rule
from bizpbx.policy.settings import CountryAccess, Extension, Gateway, Organisation

RING_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Route:
    """A call that may be made: through these gateways, the first that works, presenting this number (E.164)."""

    gateways: tuple[Gateway, ...]
    presented: str
    payer: str
    """Key of the extension that is charged."""
    reasons: tuple[Reason, ...]
    passcode: AskPasscode | None = None
    """What has to be asked before; None: nothing."""

    def target(self, number: str, shown: str, domain: str) -> GatewayTarget:
        """The number behind the first gateway, with the others to fall back on, showing a number of its own."""
        first, *others = (gateway.switch_name for gateway in self.gateways)
        return GatewayTarget(first, number, shown, self.presented, domain, tuple(others), self.payer)

    @property
    def through(self) -> str:
        """The gateways in a sentence."""
        first, *others = (gateway.name for gateway in self.gateways)
        return f"{first}, else {', else '.join(others)}" if others else first


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that may not be made."""

    cause: Cause
    reasons: tuple[Reason, ...]


def route(owner: Extension, number: str, organisation: Organisation, caller_present: bool = False) -> Route | Refusal:
    """How an extension may call an E.164 number: whitelist, passcode, gateway and caller ID, in this order. Denied by
    default. Without the extension's own user on the line (`caller_present`) there is nobody to ask for a passcode."""
    rule = owner.rule
    if rule is None:
        text = f"{owner.key} has no outbound rule and {organisation.domain} has no default rule: no external calls"
        return _barred(Reason(Rule.NO_RULE, text))
    opened, why = access(number, rule)
    reasons: tuple[Reason, ...] = (why,)
    ask: AskPasscode | None = None
    if opened is None:
        return _barred(why)
    if opened is CountryAccess.PASSCODE:
        asked = passcode(owner, organisation, caller_present)
        reasons = (why, asked.reason)
        ask = asked.step
        if not asked.goes_on:
            return _barred(*reasons)
    gateways = gateways_of(rule, organisation)
    if not gateways:
        text = f"{in_sentence(rule.name)} names no gateway and {organisation.domain} has no trunk"
        return Refusal(Cause.NORMAL_TEMPORARY_FAILURE, (*reasons, Reason(Rule.NO_GATEWAY, text)))
    plan = planned(number, rule)
    if plan is not None:
        return Route(gateways, plan[0], owner.key, (*reasons, plan[1]), ask)
    shown = presented(owner, organisation, number)
    if shown is None:
        text = f"{owner.key} has no caller ID and {organisation.domain} no main number: there is no number to present"
        return _barred(*reasons, Reason(Rule.NO_CALLER_ID, text))
    return Route(gateways, shown, owner.key, (*reasons, *_drawn(owner, shown)), ask)


def outgoing(
    owner: Extension,
    number: str,
    organisation: Organisation,
    before: tuple[Reason, ...],
    *,
    caller_present: bool = True,
    withheld: bool = False,
) -> Plan:
    """The call of an extension to an E.164 number. `withheld`: the number presented is not to be shown."""
    way = route(owner, number, organisation, caller_present)
    if isinstance(way, Refusal):
        told = Announce(Stage.ANNOUNCE, PROMPT_FOR[way.cause])
        return Plan((told, HangUp(Stage.END, way.cause)), (*before, *way.reasons))
    ring = Ring(
        stage=Stage.RING,
        targets=(way.target(number, ANONYMOUS if withheld else way.presented, organisation.domain),),
        timeout=RING_SECONDS,
        caller_name="Anonymous" if withheld else way.presented,
        withheld=withheld,
    )
    hidden = ", which is not to be shown," if withheld else ""
    shows = Reason(Rule.CALLER_ID, f"{owner.key} presents {way.presented}{hidden} through {way.through}")
    asked: tuple[Step, ...] = (way.passcode,) if way.passcode is not None else ()
    steps = (*asked, *attempts(ring), Announce(Stage.ANNOUNCE), HangUp(Stage.END))
    return Plan(steps, (*before, *way.reasons, shows))


def _barred(*reasons: Reason) -> Refusal:
    return Refusal(Cause.OUTGOING_CALL_BARRED, reasons)


def _drawn(owner: Extension, shown: str) -> tuple[Reason, ...]:
    if owner.drawn is None or shown != owner.drawn:
        return ()
    text = f"{owner.key} presents a random number: {shown} is drawn of {len(owner.draws_from)}"
    return (Reason(Rule.CALLER_ID_DRAWN, text),)
