"""Who pays for a call through a gateway: the extension that causes it."""

from dataclasses import replace

import pytest

from bizpbx.policy.plan import Plan
from bizpbx.policy.settings import Extension, Gateway, OutboundRule
from tests.policy.tenant import (
    CARRIER,
    STANDARD,
    extension,
    forward_to,
    forwarding,
    from_inside,
    from_outside,
    gateway_targets,
    tenant,
)

OUTSIDE, MOBILE, LAST = "+6597778888", "+6581112222", "+6583334444"
SECOND = Gateway("second", "second.acme.example", "192.0.2.2")
BOSS = extension("100", forwarding=forwarding("101", number=MOBILE), no_answer=forward_to(LAST))


def charges(plan: Plan) -> list[tuple[str, str | None]]:
    return [(target.dial, target.charge) for target in gateway_targets(plan)]


def test_an_outgoing_call_is_its_caller_s() -> None:
    assert charges(from_inside(tenant(BOSS, extension("101")), "101", "61234567")) == [("+6561234567", "101")]


@pytest.mark.parametrize("caller", [None, "102"])
def test_a_forward_and_a_no_answer_are_those_of_the_extension_that_forwards(caller: str | None) -> None:
    acme = tenant(BOSS, extension("101"), extension("102"))
    plan = from_outside(acme, OUTSIDE) if caller is None else from_inside(acme, caller, "100")

    assert charges(plan) == [(MOBILE, "100"), (LAST, "100")]


def test_each_gateway_that_a_call_falls_back_on_is_at_the_same_charge() -> None:
    rule = replace(STANDARD, fallback_gateways=(SECOND,))
    plan = from_inside(tenant(extension("100", rule=rule)), "100", "61234567")

    assert [target.gateway for target in gateway_targets(plan)] == [CARRIER.switch_name, SECOND.switch_name]
    assert charges(plan) == [("+6561234567", "100")] * 2


@pytest.mark.parametrize("rule", [STANDARD, None])
def test_nobody_pays_for_an_emergency_call(rule: OutboundRule | None) -> None:
    assert charges(from_inside(tenant(extension("100", rule=rule)), "100", "995")) == [("995", None)]


def test_nobody_pays_where_a_gateway_takes_the_calls_but_for_what_follows() -> None:
    mapped: Extension = replace(BOSS, gateway=SECOND)

    assert charges(from_outside(tenant(mapped), OUTSIDE)) == [("+6564291310", None), (LAST, "100")]
