"""More than one gateway to a number: which are tried, in which order, and with what in the INVITE."""

from __future__ import annotations

from dataclasses import replace

from bizpbx.policy.failover import PATIENCE
from bizpbx.policy.plan import Announce, GatewayTarget, HangUp, Plan, Ring, Stage
from bizpbx.policy.settings import Gateway, OnForward
from tests.policy.tenant import (
    CARRIER,
    MAIN,
    STANDARD,
    extension,
    forward_to,
    forwarding,
    from_inside,
    from_outside,
    tenant,
)

SECOND = Gateway("second", "second.acme.example", "192.0.2.2")
THIRD = Gateway("third", "third.acme.example", "192.0.2.3", trunk=True)
RULE = replace(STANDARD, fallback_gateways=(SECOND, THIRD))


def rings(plan: Plan, stage: Stage = Stage.RING) -> list[Ring]:
    return [step for step in plan.steps if isinstance(step, Ring) and step.stage is stage]


def tried(plan: Plan, stage: Stage = Stage.RING) -> list[str]:
    return [
        target.gateway.partition(".")[0]
        for ring in rings(plan, stage)
        for target in ring.targets
        if isinstance(target, GatewayTarget)
    ]


def test_a_call_is_tried_through_the_rule_s_gateway_and_then_through_each_fallback() -> None:
    plan = from_inside(tenant(extension("100", rule=RULE)), "100", "61234567")

    assert tried(plan) == ["carrier", "second", "third"]
    assert [ring.attempt for ring in rings(plan)] == [0, 1, 2]
    assert [ring.patience for ring in rings(plan)] == [PATIENCE, PATIENCE, None]
    assert [type(step) for step in plan.steps[-2:]] == [Announce, HangUp]


def test_every_attempt_says_the_same_of_the_caller() -> None:
    plan = from_inside(tenant(extension("100", rule=RULE)), "100", "61234567")

    said = {(target.dial, target.number, target.asserted, target.domain) for target in _gateways(plan)}
    assert said == {("+6561234567", MAIN, MAIN, "acme.example")}


def test_a_rule_with_one_gateway_has_one_attempt_without_a_limit_of_its_own() -> None:
    plan = from_inside(tenant(extension("100"), trunks=(CARRIER, THIRD)), "100", "61234567")

    assert tried(plan) == ["carrier"]
    assert rings(plan)[0].patience is None


def test_a_rule_that_names_no_gateway_uses_the_trunks_one_after_the_other() -> None:
    rule = replace(STANDARD, gateway=None)
    plan = from_inside(tenant(extension("100", rule=rule), trunks=(CARRIER, THIRD)), "100", "61234567")

    assert tried(plan) == ["carrier", "third"]


def test_a_gateway_that_is_named_twice_is_tried_once() -> None:
    rule = replace(STANDARD, fallback_gateways=(CARRIER, SECOND, CARRIER))

    assert tried(from_inside(tenant(extension("100", rule=rule)), "100", "61234567")) == ["carrier", "second"]


def test_an_emergency_call_tries_every_trunk_and_then_the_rule_s_gateways() -> None:
    plan = from_inside(tenant(extension("100", rule=RULE), trunks=(THIRD,)), "100", "995")

    assert tried(plan) == ["third", "carrier", "second"]
    assert all(ring.insists for ring in rings(plan))


def test_nothing_else_insists() -> None:
    assert not any(ring.insists for ring in rings(from_inside(tenant(extension("100", rule=RULE)), "100", "61234567")))


def test_a_forward_to_a_number_falls_back_with_diversion_and_caller_as_before() -> None:
    forwards = extension("100", rule=RULE, forwarding=forwarding(number="+6598765432"), on_forward=OnForward.CALLER)
    plan = from_outside(tenant(forwards), "+6531234567", withheld=True)

    assert tried(plan) == ["carrier", "second", "third"]
    assert {(ring.diverted_by, ring.withheld, ring.timeout) for ring in rings(plan)} == {(MAIN, True, 30)}
    assert {(target.number, target.asserted) for target in _gateways(plan)} == {("anonymous", MAIN)}


def test_a_forward_to_extensions_and_a_number_rings_all_of_them_again_with_the_next_gateway() -> None:
    forwards = extension("100", rule=RULE, forwarding=forwarding("101", number="+6598765432"))
    plan = from_outside(tenant(forwards, extension("101")), "+6531234567")

    assert tried(plan) == ["carrier", "second", "third"]
    assert {len(ring.targets) for ring in rings(plan)} == {2}


def test_a_forward_at_no_answer_falls_back_in_its_own_stage() -> None:
    plan = from_outside(tenant(extension("100", rule=RULE, no_answer=forward_to("+6598765432"))), "+6531234567")

    assert [ring.attempt for ring in rings(plan)] == [0]
    assert tried(plan, Stage.NO_ANSWER) == ["carrier", "second", "third"]


def test_a_number_that_rang_through_any_gateway_does_not_ring_again_at_no_answer() -> None:
    number = "+6598765432"
    busy = extension("100", rule=RULE, forwarding=forwarding(number=number), no_answer=forward_to(number))
    plan = from_outside(tenant(busy), "+6531234567")

    assert rings(plan, Stage.NO_ANSWER) == []


def _gateways(plan: Plan) -> list[GatewayTarget]:
    return [target for ring in rings(plan) for target in ring.targets if isinstance(target, GatewayTarget)]
