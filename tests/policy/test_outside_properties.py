"""What holds for every call to a number outside, whatever the settings and whatever the caller sends."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bizpbx.policy.country import country_of
from bizpbx.policy.decide import decide
from bizpbx.policy.plan import (
    Announce,
    AskPasscode,
    GatewayTarget,
    HangUp,
    Plan,
    Ring,
    Stage,
)
from bizpbx.policy.prompt import Prompt
from bizpbx.policy.request import FromDevice, FromTrunk, Request
from bizpbx.policy.rules import Rule
from bizpbx.policy.settings import (
    CountryAccess,
)
from tests.policy.random_tenants import (
    COSTLY_PREFIXES,
    DIDS,
    KEYS,
    PREFIX,
    calling_out,
    many,
    numbers,
    requests,
    rules_in,
    tenants,
)
from tests.policy.tenant import MemoryTenant, targets_of


def opening(plan: Plan, tenant: MemoryTenant, key: str) -> bool:
    """Whether a number of a country with a passcode would be dialled by an extension without its being asked for."""
    if tenant.extensions[key].passcode:
        return plan.steps[0] != AskPasscode(Stage.PASSCODE, key)
    return tenant.organisation.refuse_without_passcode


@many
@given(requests, tenants)
def test_a_further_attempt_changes_the_gateway_and_nothing_else(request: Request, tenant: MemoryTenant) -> None:
    rings = [step for step in decide(request, tenant).steps if isinstance(step, Ring)]
    for ring in rings:
        tried = [other for other in rings if other.stage is ring.stage and other.attempt <= ring.attempt]
        assert [other.attempt for other in tried] == list(range(ring.attempt + 1))
        gateways = [[t.gateway for t in each.targets if isinstance(t, GatewayTarget)] for each in tried]
        assert not ring.attempt or len({tuple(names) for names in gateways}) == len(gateways)
        first = tried[0]
        assert without_gateways(ring) == without_gateways(first)


def without_gateways(ring: Ring) -> Ring:
    plain = (replace(t, gateway="", fallbacks=()) if isinstance(t, GatewayTarget) else t for t in ring.targets)
    return replace(ring, targets=tuple(plain), attempt=0, patience=None)


@many
@given(requests, tenants)
def test_no_number_outside_the_whitelist_is_dialled_whatever_the_dial_plan(
    request: Request, tenant: MemoryTenant
) -> None:
    plan = decide(request, tenant)
    owner = plan.callee
    if owner is None and isinstance(request.caller, FromDevice):
        owner = request.caller.sip_user.partition("-")[0]
    if rules_in(plan) & {Rule.EMERGENCY}:
        return
    for step in plan.steps:
        for target in step.targets if isinstance(step, Ring) else ():
            mapped = Rule.GATEWAY_MAPPED in rules_in(plan) and step.stage is Stage.RING
            if not isinstance(target, GatewayTarget) or mapped:
                continue
            rule = tenant.extensions[owner or ""].rule
            assert rule is not None
            locked = {country for country, access in rule.countries if access is CountryAccess.PASSCODE}
            allowed = {country for country, access in rule.countries if access is CountryAccess.ALLOWED} - locked
            if plan.callee is None and not opening(plan, tenant, owner or ""):
                allowed |= locked
            assert country_of(target.dial) in allowed
            assert target.dial.startswith(tuple(PREFIX[country] for country in allowed))
            assert not target.dial.startswith(COSTLY_PREFIXES)


@many
@given(tenants, st.sampled_from(KEYS), st.from_regex(r"0[1-9][0-9]{6,13}", fullmatch=True))
def test_a_number_that_no_entry_of_the_dial_plan_takes_and_that_is_no_e164_is_denied(
    tenant: MemoryTenant, key: str, dialled: str
) -> None:
    # No country code begins with 0, so that only a dial plan can make a number of these.
    rule = tenant.extensions[key].rule
    entries = rule.dial_plan if rule is not None else ()
    if any(len(dialled) == entry.length and dialled.startswith(entry.starts_with) for entry in entries):
        return
    plan = decide(Request(FromDevice(f"{key}-ip_phone", True), dialled), tenant)

    assert targets_of(plan) == []
    assert plan.steps[-1] == HangUp(Stage.END, plan.steps[-1].cause)  # type: ignore[union-attr]  # any other step fails it


@many
@given(tenants, st.sampled_from(KEYS), numbers)
def test_a_rule_that_lists_another_country_denies(tenant: MemoryTenant, key: str, dialled: str) -> None:
    own = tenant.extensions[key]
    if own.rule is None:
        return
    others = tuple(each for each in own.rule.countries if each[0] != country_of(dialled))
    changed = replace(own, rule=replace(own.rule, countries=others))
    plan = decide(
        Request(FromDevice(f"{key}-ip_phone", True), dialled),
        replace(tenant, extensions={**tenant.extensions, key: changed}),
    )

    assert not any(isinstance(target, GatewayTarget) and target.dial == dialled for target in targets_of(plan)) or (
        plan.callee is not None
    )


@many
@given(requests, tenants)
def test_a_passcode_is_asked_for_before_anything_rings_and_never_in_an_emergency_or_on_a_forward(
    request: Request, tenant: MemoryTenant
) -> None:
    plan = decide(request, tenant)
    asked = [position for position, step in enumerate(plan.steps) if isinstance(step, AskPasscode)]

    assert asked in ([], [0])
    if asked:
        assert isinstance(request.caller, FromDevice)
        assert plan.callee is None
        assert not rules_in(plan) & {Rule.EMERGENCY, Rule.FORWARDING, Rule.NO_ANSWER_FORWARD}


@many
@given(requests, tenants)
def test_what_is_barred_is_told(request: Request, tenant: MemoryTenant) -> None:
    plan = decide(request, tenant)
    if Rule.COUNTRY_NOT_LISTED in rules_in(plan) and plan.callee is None:
        assert plan.steps[:-1] == (Announce(Stage.ANNOUNCE, Prompt.NOT_ALLOWED),)


@many
@given(requests, tenants)
def test_what_an_extension_presents_to_a_carrier_is_its_own_its_rule_s_or_the_main_number(
    request: Request, tenant: MemoryTenant
) -> None:
    plan = decide(request, tenant)
    owner = plan.callee
    if owner is None and isinstance(request.caller, FromDevice):
        owner = request.caller.sip_user.partition("-")[0]
    if rules_in(plan) & {Rule.EMERGENCY, Rule.SHOWS_CALLER, Rule.GATEWAY_MAPPED}:
        return
    for target in targets_of(plan):
        if isinstance(target, GatewayTarget):
            extension = tenant.extensions[owner or ""]
            assert extension.rule is not None
            planned = {entry.caller_id for entry in extension.rule.caller_id_plan}
            own = extension.draws_from or (extension.caller_id,)
            assert target.number in {*own, tenant.organisation.main_number, *planned}
            assert target.asserted == target.number
            assert (target.number in planned) >= (Rule.CALLER_ID_PLAN in rules_in(plan))


@many
@given(requests, tenants)
def test_every_call_outside_is_charged_to_the_extension_that_causes_it(request: Request, tenant: MemoryTenant) -> None:
    plan = decide(request, tenant)
    owner = plan.callee
    if owner is None and isinstance(request.caller, FromDevice):
        owner = request.caller.sip_user.partition("-")[0]
    for step in plan.steps:
        for target in step.targets if isinstance(step, Ring) else ():
            if isinstance(target, GatewayTarget):
                mapped = Rule.GATEWAY_MAPPED in rules_in(plan) and step.stage is Stage.RING
                free = mapped or Rule.EMERGENCY in rules_in(plan)
                assert target.charge == (None if free else owner)


@many
@given(requests, tenants)
def test_own_numbers_are_never_called_through_a_carrier(request: Request, tenant: MemoryTenant) -> None:
    plan = decide(request, tenant)
    if Rule.GATEWAY_MAPPED not in rules_in(plan):
        assert not any(isinstance(target, GatewayTarget) and target.dial in DIDS for target in targets_of(plan))


@many
@given(
    tenants, st.sampled_from(DIDS), st.sampled_from(DIDS), st.sampled_from(["diverted", "shown", "withheld", "often"])
)
def test_a_call_that_comes_back_is_not_sent_out_again(tenant: MemoryTenant, called: str, own: str, how: str) -> None:
    unmapped = {key: replace(each, gateway=None) for key, each in tenant.extensions.items()}
    back = {
        "diverted": FromTrunk("+6597778888", diverted_by=("junk", own)),
        "shown": FromTrunk(own),
        "withheld": FromTrunk(own, withheld=True),
        "often": FromTrunk("+6597778888", diverted_by=("junk",) * 3),
    }

    plan = decide(Request(back[how], called), replace(tenant, extensions=unmapped))

    assert not any(isinstance(target, GatewayTarget) for target in targets_of(plan))


@many
@given(calling_out, tenants)
def test_a_gateway_calls_what_its_own_rule_opens_with_a_number_of_the_organisation(
    request: Request, tenant: MemoryTenant
) -> None:
    plan = decide(request, tenant)
    if rules_in(plan) & {Rule.EMERGENCY, Rule.DID, Rule.GATEWAY_MAPPED}:
        return
    payer = tenant.payers["pbx"]
    rule = payer.rule
    for target in targets_of(plan):
        assert isinstance(target, GatewayTarget) and rule is not None
        opened = {country for country, access in rule.countries if access is CountryAccess.ALLOWED}
        opened -= {country for country, access in rule.countries if access is CountryAccess.PASSCODE}
        assert country_of(target.dial) in opened
        assert not target.dial.startswith(COSTLY_PREFIXES)
        assert target.charge == payer.key
        given_by_pbx = {target.asserted} & set(DIDS)
        planned = {entry.caller_id for entry in rule.caller_id_plan}
        own = {*payer.draws_from, payer.caller_id, tenant.organisation.main_number}
        assert given_by_pbx or target.asserted in planned | own
    assert not any(isinstance(step, AskPasscode) for step in plan.steps)
