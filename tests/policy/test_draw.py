"""A caller ID drawn anew each call (product §5)."""

from collections import Counter
from dataclasses import replace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from bizpbx.policy.decide import decide
from bizpbx.policy.draw import chance_of
from bizpbx.policy.plan import Plan
from bizpbx.policy.request import FromDevice, FromTrunk, Request
from bizpbx.policy.settings import OnForward
from tests.policy.tenant import STANDARD, extension, forwarding, gateway_targets, ring_of, rules_of, tenant
from tests.policy.test_caller_id_plan import RULE

LIST = tuple(f"+656429131{last}" for last in range(8))
DESK = extension("100", caller_id="+6564291399", draws_from=LIST)
ACME = tenant(DESK, extension("101", caller_id="+6564291398"))


def call(number: int, dialled: str = "61234567", **changes: object) -> Plan:
    where = replace(ACME, extensions={**ACME.extensions, "100": replace(DESK, **changes)})  # type: ignore[arg-type]
    chance = chance_of(str(UUID(int=number)))
    return decide(Request(FromDevice("100-ip_phone"), dialled, chance), where)


def presented(plan: Plan) -> str:
    return gateway_targets(plan)[0].number


def test_two_hundred_calls_use_every_number_of_the_list_about_as_often() -> None:
    seen = Counter(presented(call(number)) for number in range(200))

    assert set(seen) == set(LIST)
    assert all(8 <= times <= 45 for times in seen.values())  # 25 each, give or take four standard deviations


@given(st.text(max_size=60))
def test_a_call_that_is_decided_again_draws_the_same(name: str) -> None:
    request = Request(FromDevice("100-ip_phone"), "61234567", chance_of(name))

    assert chance_of(name) == chance_of(name)
    assert decide(request, ACME) == decide(request, ACME)


def test_the_draw_is_told() -> None:
    plan = call(1)

    assert "caller-id-drawn" in rules_of(plan)
    assert any(presented(plan) in reason.text and "of 8" in reason.text for reason in plan.reasons)


def test_the_caller_id_plan_beats_the_draw() -> None:
    plan = call(1, "+84938812345", rule=RULE)

    assert presented(plan) == "+6564291310"
    assert "caller-id-drawn" not in rules_of(plan)


def test_an_emergency_call_never_presents_a_random_number() -> None:
    for number in range(20):
        assert presented(call(number, "995")) == "+6564291399"
        assert presented(call(number, "995", caller_id=None)) == "+6564291310"


def test_a_forward_presents_and_asserts_what_was_drawn() -> None:
    owner = replace(DESK, forwarding=forwarding(number="+6581112222"), rule=STANDARD)
    for on_forward in OnForward:
        where = tenant(replace(owner, on_forward=on_forward))
        plan = decide(Request(FromTrunk("+6591112222"), "+6564291310", 5), where)
        target = gateway_targets(plan)[0]
        assert target.asserted == ring_of(plan).diverted_by == LIST[5]
        assert target.number == (LIST[5] if on_forward is OnForward.EXTENSION else "+6591112222")


def test_any_number_that_could_have_been_drawn_is_a_loop_when_it_comes_back() -> None:
    owner = replace(DESK, forwarding=forwarding(number="+6581112222"))
    for number in LIST:
        plan = decide(Request(FromTrunk("+6597778888", diverted_by=(number,)), "+6564291310"), tenant(owner))
        assert "loop" in rules_of(plan)
