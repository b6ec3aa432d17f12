"""A number that more than one gateway leads to: one ring after the other, as long as it is the gateway that fails."""

from __future__ import annotations

from dataclasses import replace

from bizpbx.policy.plan import GatewayTarget, Ring, Target
from bizpbx.policy.settings import Gateway, Organisation, OutboundRule

PATIENCE = 15
"""Seconds that a gateway may take from its first sign of life to ringing, while there is another one to try."""


def gateways_of(rule: OutboundRule, organisation: Organisation) -> tuple[Gateway, ...]:
    """What calls under a rule leave through, in the order in which it is tried: the rule's own gateway and its
    fallbacks, or, where it names none, the organisation's trunks."""
    own = (*((rule.gateway,) if rule.gateway is not None else ()), *rule.fallback_gateways)
    return _once(own or organisation.trunks)


def emergency_gateways(rule: OutboundRule | None, organisation: Organisation) -> tuple[Gateway, ...]:
    """Every trunk, then what the caller's rule leads to: nothing is left untried."""
    own = gateways_of(rule, organisation) if rule is not None else ()
    return _once((*organisation.trunks, *own))


def attempts(ring: Ring) -> tuple[Ring, ...]:
    """The ring, and the same ring through each further gateway of its targets. The switch goes on from one to the next
    only where the gateway failed."""
    fallbacks = max((len(target.fallbacks) for target in ring.targets if isinstance(target, GatewayTarget)), default=0)
    return tuple(
        replace(
            ring,
            targets=tuple(_through(target, attempt) for target in ring.targets),
            attempt=attempt,
            patience=PATIENCE if attempt < fallbacks else None,
        )
        for attempt in range(fallbacks + 1)
    )


def _through(target: Target, attempt: int) -> Target:
    if not isinstance(target, GatewayTarget):
        return target
    ways = (target.gateway, *target.fallbacks)
    return replace(target, gateway=ways[min(attempt, len(ways) - 1)], fallbacks=ways[attempt + 1 :])


def _once(gateways: tuple[Gateway, ...]) -> tuple[Gateway, ...]:
    return tuple({gateway.switch_name: gateway for gateway in gateways}.values())
