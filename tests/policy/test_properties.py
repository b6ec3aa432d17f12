"""What holds for every call, whatever the settings and whatever the caller sends."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from bizpbx.policy.decide import decide
from bizpbx.policy.explain import to_json, to_lines
from bizpbx.policy.mailbox import CODE
from bizpbx.policy.numbers import is_token
from bizpbx.policy.plan import (
    Announce,
    AskPasscode,
    DeviceTarget,
    GatewayTarget,
    HangUp,
    Play,
    Record,
    Ring,
    Stage,
    kept_by,
)
from bizpbx.policy.request import FromDevice, FromTrunk, Request
from bizpbx.policy.rules import Rule
from bizpbx.policy.settings import (
    DeviceKind,
    ExtensionType,
    NoAnswerAction,
)
from tests.policy.random_tenants import (
    DIDS,
    KEYS,
    NATIONAL,
    NUMBERS,
    a_tenant,
    hostile,
    many,
    mostly,
    numbers,
    requests,
    rules_in,
    some,
    tenants,
)
from tests.policy.tenant import DOMAIN, MemoryTenant, name_of, targets_of

DURING_THE_CALL = {
    Rule.PASSCODE_WRONG,
    Rule.PASSCODE_LOCKED,
    Rule.PIN_WRONG,
    Rule.PIN_LOCKED,
    Rule.GATEWAY_FAILED,
    Rule.ALLOWANCE_EXHAUSTED,
    Rule.NO_RATE,
    Rule.CHARGED_BEFORE,
    Rule.TOO_MANY_CALLS,
    Rule.TOO_MANY_NEW_COUNTRIES,
}
"""Applied by what the caller, the gateways and the ledger say, after the plan is made."""

IN_A_LINE = {rule for rule in Rule if rule.startswith("line")} | {Rule.KEY_PRESSED, Rule.NO_KEY_PRESSED}
"""Of virtual lines, which these tenants have none of: test_line_properties.py."""

OF_A_TRANSFER = {
    Rule.TRANSFER,
    Rule.TRANSFER_EMERGENCY,
    Rule.TRANSFER_BACK,
    Rule.TRANSFERS_OFF,
    Rule.CONSULTATION,
}
"""See test_transfer_policy.py."""

BEFORE_THE_POLICY = {Rule.ORGANISATION_UNKNOWN, Rule.SOURCE_UNKNOWN, Rule.SOURCE_AMBIGUOUS}
"""Applied where an organisation is looked for: before there are settings to decide from."""


@many
@given(requests, tenants)
def test_a_decision_never_fails_and_is_the_same_every_time(request: Request, tenant: MemoryTenant) -> None:
    plan = decide(request, tenant)

    assert plan == decide(request, tenant)
    assert plan.reasons
    assert to_json(plan)
    assert to_lines(plan)


@many
@given(requests, tenants)
def test_stages_come_in_order_once_each_and_the_last_step_hangs_up(request: Request, tenant: MemoryTenant) -> None:
    plan = decide(request, tenant)
    order = [(list(Stage).index(step.stage), step.attempt if isinstance(step, Ring) else 0) for step in plan.steps]

    assert order == sorted(set(order))
    assert isinstance(plan.steps[-1], HangUp)
    assert plan.steps[-1].stage is Stage.END
    rings = [step for step in plan.steps if isinstance(step, Ring)]
    assert all(ring.targets and 5 <= ring.timeout <= 120 for ring in rings)
    assert not any(isinstance(step, HangUp) for step in plan.steps[:-1])
    assert rings or plan.steps[-1].cause is not None


@many
@given(requests, tenants)
def test_no_target_rings_twice(request: Request, tenant: MemoryTenant) -> None:
    rings = [step for step in decide(request, tenant).steps if isinstance(step, Ring)]
    names = [name_of(target) for ring in rings if ring.attempt == 0 for target in ring.targets]

    assert len(names) == len(set(names))


@many
@given(requests, tenants)
def test_only_usable_devices_of_this_organisation_ring(request: Request, tenant: MemoryTenant) -> None:
    for target in targets_of(decide(request, tenant)):
        if isinstance(target, DeviceTarget):
            device = next(d for d in tenant.extensions[target.extension].devices if d.sip_user == target.sip_user)
            assert device.active and device.licensed and device.rings
            assert target.domain == DOMAIN
            assert not tenant.extensions[target.extension].do_not_disturb
        else:
            assert target.gateway in ("carrier.acme.example", "pbx.acme.example", "spare.acme.example")


@many
@given(requests, tenants)
def test_the_phone_that_calls_never_rings(request: Request, tenant: MemoryTenant) -> None:
    if isinstance(request.caller, FromDevice):
        key = request.caller.sip_user.partition("-")[0]
        assert not any(
            isinstance(target, DeviceTarget) and target.extension == key
            for target in targets_of(decide(request, tenant))
        )


@many
@given(requests, tenants)
def test_a_device_that_requires_tls_calls_without_it_in_an_emergency_only(
    request: Request, tenant: MemoryTenant
) -> None:
    caller = request.caller
    if not isinstance(caller, FromDevice) or caller.secure:
        return
    devices = [device for each in tenant.extensions.values() for device in each.devices if device.tls]
    if caller.sip_user in {device.sip_user for device in devices}:
        plan = decide(request, tenant)
        assert not targets_of(plan) or rules_in(plan) & {Rule.EMERGENCY}


@many
@given(requests, tenants)
def test_own_devices_and_forward_targets_never_ring_together(request: Request, tenant: MemoryTenant) -> None:
    plan = decide(request, tenant)
    for step in plan.steps:
        if isinstance(step, Ring):
            own = [isinstance(target, DeviceTarget) and target.extension == plan.callee for target in step.targets]
            assert all(own) or not any(own)
            assert not any(own) or (step.stage is Stage.RING and Rule.FORWARDING not in rules_in(plan))
    assert len(rules_in(plan) & {Rule.FORWARDING, Rule.VIP}) <= 1


@many
@given(requests, tenants)
def test_a_vip_is_never_forwarded(request: Request, tenant: MemoryTenant) -> None:
    plan = decide(request, tenant)
    callee = tenant.extensions.get(plan.callee or "")
    if callee is None:
        return
    caller = request.caller
    if isinstance(caller, FromDevice):
        vip = caller.sip_user.partition("-")[0] in callee.forwarding.vip_extensions
    else:
        vip = not caller.withheld and caller.number in callee.forwarding.vip_numbers
    if vip:
        assert Rule.FORWARDING not in rules_in(plan)


@many
@given(tenants, st.one_of(numbers, hostile, st.none()), st.sampled_from(DIDS))
def test_a_withheld_number_is_never_a_vip_and_never_shown(tenant: MemoryTenant, number: str | None, did: str) -> None:
    plan = decide(Request(FromTrunk(number, "Somebody", withheld=True), did), tenant)

    assert Rule.VIP not in rules_in(plan)
    own = {extension.caller_id for extension in tenant.extensions.values()} | {tenant.organisation.main_number, *DIDS}
    for target in targets_of(plan):
        assert target.number in {"anonymous", *KEYS} or target.number in own
    assert all(step.caller_name != "Somebody" for step in plan.steps if isinstance(step, Ring))


@many
@given(requests, tenants, st.sampled_from(KEYS))
def test_do_not_disturb_rings_nothing(request: Request, tenant: MemoryTenant, key: str) -> None:
    quiet = replace(tenant.extensions[key], do_not_disturb=True, gateway=None)
    plan = decide(request, replace(tenant, extensions={**tenant.extensions, key: quiet}))

    if plan.callee == key:
        assert not targets_of(plan)
    assert not any(isinstance(target, DeviceTarget) and target.extension == key for target in targets_of(plan))


@many
@given(requests, tenants)
def test_everything_in_a_plan_is_safe_on_a_switch(request: Request, tenant: MemoryTenant) -> None:
    plan = decide(request, tenant)

    for target in targets_of(plan):
        assert is_token(target.number)
        assert is_token(target.dial if isinstance(target, GatewayTarget) else target.sip_user)
    for step in plan.steps:
        if isinstance(step, Ring):
            assert step.diverted_by is None or is_token(step.diverted_by)
            assert 0 < len(step.caller_name) <= 64
            assert "${" not in step.caller_name
            assert not any(unicodedata.category(char).startswith("C") for char in step.caller_name)
    for reason in plan.reasons:
        assert reason.rule in list(Rule)
        assert reason.text.isprintable() and not set(reason.text) & set("${}'\"|<>\\")


def test_the_calls_above_meet_every_rule() -> None:
    seen: set[str] = set()
    expected = set(Rule) - OF_A_TRANSFER - BEFORE_THE_POLICY - DURING_THE_CALL - IN_A_LINE
    random = Random(1)  # a fixed seed: this test tells whether the strategies reach what the properties are about
    for _ in range(20_000):
        tenant = a_tenant(random)
        caller: FromDevice | FromTrunk = FromDevice(
            f"{random.choice(KEYS)}-{random.choice(list(DeviceKind))}", mostly(random)
        )
        if random.random() < 0.5:
            pbx = random.choice([None, "pbx"])
            caller = FromTrunk(random.choice([None, *NUMBERS]), diverted_by=some(random, NUMBERS, 4), gateway=pbx)
        dialled = random.choice([*DIDS, *KEYS, "199", *NUMBERS, *NATIONAL, *["112", "995", CODE] * 3, "x", "1234567"])
        seen |= rules_in(decide(Request(caller, dialled), tenant))
        if seen == expected:
            break

    assert seen == expected


@many
@given(requests, tenants)
def test_what_is_recorded_is_kept_for_the_one_who_was_called_and_comes_last(
    request: Request, tenant: MemoryTenant
) -> None:
    plan = decide(request, tenant)
    kept = {kept_by(step) for step in plan.steps if not isinstance(step, Announce | AskPasscode)}
    assert len(kept) <= 1
    for one in kept - {None}:
        assert one is not None
        callee = tenant.extensions[one.mailbox]
        assert one.mailbox == plan.callee
        assert callee.type is ExtensionType.NORMAL
        assert one.action is callee.no_answer.action
        assert (one.action is NoAnswerAction.VOICEMAIL) == any(isinstance(step, Record) for step in plan.steps)
    kinds = [type(step) for step in plan.steps]
    if Record in kinds:
        assert kinds[-3:] == [Play, Record, HangUp]
        assert 1 <= next(step.longest for step in plan.steps if isinstance(step, Record)) <= 60
