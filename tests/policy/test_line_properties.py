"""What holds for every call to a virtual line, whatever its steps, and whatever the caller keys in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from bizpbx.policy.country import country_of
from bizpbx.policy.decide import decide
from bizpbx.policy.explain import to_json, to_lines
from bizpbx.policy.line import (
    DAY,
    END,
    ForwardTo,
    GatherDigit,
    HangUpStep,
    Hours,
    LineStep,
    PlayMessage,
    RecordMissedCall,
    RingExtensions,
    VirtualLine,
)
from bizpbx.policy.line_faults import faults
from bizpbx.policy.line_steps import line_of
from bizpbx.policy.plan import (
    AskPasscode,
    GatewayTarget,
    Gather,
    GoOn,
    HangUp,
    Kept,
    Plan,
    Ring,
    Stage,
    Step,
    Target,
    kept_by,
)
from bizpbx.policy.request import FromTrunk, Request
from bizpbx.policy.rules import Rule
from bizpbx.policy.settings import CountryAccess
from tests.policy.lines import walk
from tests.policy.random_tenants import DIDS, KEYS, NUMBERS, a_tenant, mostly, rarely, requests, rules_in, some
from tests.policy.tenant import MemoryTenant, device_targets, gateway_targets

LINES = ["800", "801", "802"]
NAMES = ["sales", "support", "night", "desk", END]
SOUND = "5" * 64
START = datetime(2026, 1, 1, tzinfo=UTC)


def a_step(random: Random, position: int) -> LineStep:
    def place() -> str:
        return random.choice(NAMES)

    kind = random.choice(["ring", "ring", "ring", "forward", "gather", "hours", "play", "missed_call", "hang_up"])
    name = NAMES[position] if position < len(NAMES) - 1 and mostly(random) else None
    onward = place() if rarely(random) else None
    match kind:
        case "ring":
            keys = some(random, [*KEYS, "199"], 2) or (random.choice(KEYS),)
            return LineStep(RingExtensions(keys, random.randint(5, 60)), name, onward)
        case "forward":
            number = random.choice([*NUMBERS, *LINES])
            return LineStep(ForwardTo(number, random.choice([None, *KEYS]), random.randint(5, 60)), name, onward)
        case "gather":
            digits = tuple((key, place()) for key in dict.fromkeys(some(random, "0123456789*", 3) or ("1",)))
            none = place() if mostly(random) else None
            sound = random.choice([None, SOUND])
            return LineStep(GatherDigit(digits, none, random.randint(1, 30), random.randint(1, 3), sound), name)
        case "play":
            return LineStep(PlayMessage(SOUND, mostly(random)), name, onward)
        case "missed_call":
            return LineStep(RecordMissedCall(random.choice(KEYS)), name, onward)
        case "hours":
            days = frozenset(some(random, range(7), 7))
            return LineStep(Hours(days, random.randrange(0, DAY), random.randrange(1, DAY + 1), place()), name, onward)
    return LineStep(HangUpStep(), name)


def a_tenant_with_lines(random: Random) -> MemoryTenant:
    """Lines as they can be saved, or, one in five, as they cannot."""
    base = a_tenant(random)
    numbers = {did: random.choice([*LINES, *LINES, *KEYS, "700"]) for did in DIDS}
    while True:
        lines = {
            key: VirtualLine(key, f"Line {key}", tuple(a_step(random, n) for n in range(random.randint(1, 7))))
            for key in LINES
        }
        tenant = replace(base, numbers=numbers, lines=lines)
        if rarely(random) or not loops(tenant):
            return tenant


def loops(tenant: MemoryTenant) -> bool:
    found = faults(tenant.lines.values(), lambda called: line_of(called, tenant))
    return any(fault.code == "loop" for fault in found)


tenants = st.builds(a_tenant_with_lines, st.randoms(use_true_random=True))
moments = st.integers(0, 365 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes))
pressed = st.text(alphabet="0123456789*#", max_size=12)


def to_a_line(request: Request, tenant: MemoryTenant, moment: datetime, key: str) -> Plan:
    """The call, with what is dialled put in place by the key or a DID of a line."""
    dialled = key
    if isinstance(request.caller, FromTrunk):
        own = [did for did, leads_to in tenant.numbers.items() if leads_to in LINES]
        dialled = own[int(key) % len(own)] if own else DIDS[0]
    return decide(replace(request, dialled=dialled, moment=moment), tenant)


@given(requests, tenants, moments, st.sampled_from(LINES))
def test_a_decision_never_fails_and_is_the_same_every_time(
    request: Request, tenant: MemoryTenant, moment: datetime, key: str
) -> None:
    plan = to_a_line(request, tenant, moment, key)

    assert plan == to_a_line(request, tenant, moment, key)
    assert to_json(plan)
    assert to_lines(plan)
    for reason in plan.reasons:
        assert reason.rule in list(Rule)
        assert reason.text.isprintable() and not set(reason.text) & set("${}'\"|<>\\")


@given(requests, tenants, moments, st.sampled_from(LINES))
def test_steps_only_ever_lead_onward(request: Request, tenant: MemoryTenant, moment: datetime, key: str) -> None:
    plan = to_a_line(request, tenant, moment, key)
    order = [
        (step.section, list(Stage).index(step.stage), step.attempt if isinstance(step, Ring) else 0)
        for step in plan.steps
    ]

    assert order == sorted(set(order))
    assert isinstance(plan.steps[-1], HangUp)
    last = plan.steps[-1].section
    sections = {step.section for step in plan.steps}
    for step in plan.steps:
        ways = ()
        if isinstance(step, GoOn):
            ways = (step.to,)
        if isinstance(step, Gather):
            ways = (*(to for _, to in step.sections), step.otherwise)
        assert all(step.section < to <= last for to in ways)
        # Where a call is led to a step that does nothing, it goes on after it.
        assert all(any(section >= to for section in sections) for to in ways)
        if isinstance(step, Ring):
            assert step.targets and 5 <= step.timeout <= 120


@given(requests, tenants, moments, st.sampled_from(LINES), pressed)
def test_whatever_is_keyed_in_a_call_is_over_after_a_bounded_number_of_steps(
    request: Request, tenant: MemoryTenant, moment: datetime, key: str, keys: str
) -> None:
    plan = to_a_line(request, tenant, moment, key)
    done = walk(plan, keys)

    assert isinstance(done[-1], HangUp)
    written = sum(len(line.steps) for line in tenant.lines.values())
    # Each step once; the last one may be a ring with a no-answer of its own, and a hang-up.
    assert len(done) <= written + 2
    assert len({step.section for step in done}) <= written + 1


@given(requests, tenants, moments, st.sampled_from(LINES))
def test_an_extension_s_no_answer_runs_at_the_last_step_alone(
    request: Request, tenant: MemoryTenant, moment: datetime, key: str
) -> None:
    plan = to_a_line(request, tenant, moment, key)
    if plan.callee not in LINES:
        return
    last = set(last_ones(tenant))
    for step in plan.steps:
        if step.stage is Stage.NO_ANSWER:
            inside = [other for other in plan.steps if other.section == step.section]
            assert isinstance(inside[-1], HangUp)
            assert {target.charge for target in targets_in(step) if isinstance(target, GatewayTarget)} <= last


def last_ones(tenant: MemoryTenant) -> Iterator[str]:
    """Extensions that ring alone as a last step, by their key or by a number that leads to them."""
    for line in tenant.lines.values():
        for position, step in enumerate(line.steps):
            named = {each.name for each in line.steps}
            ends = position + 1 == len(line.steps) if step.next is None else step.next not in named
            match step.action:
                case RingExtensions((key,)) if ends:
                    yield key
                case ForwardTo(number) if ends and number in tenant.numbers:
                    yield tenant.numbers[number]


def targets_in(step: Step) -> tuple[Target, ...]:
    return step.targets if isinstance(step, Ring) else ()


@given(requests, tenants, moments, st.sampled_from(LINES), st.sampled_from(KEYS))
def test_devices_on_do_not_disturb_never_ring(
    request: Request, tenant: MemoryTenant, moment: datetime, key: str, quiet: str
) -> None:
    silent = replace(tenant.extensions[quiet], do_not_disturb=True, gateway=None)
    plan = to_a_line(request, replace(tenant, extensions={**tenant.extensions, quiet: silent}), moment, key)

    assert quiet not in {target.extension for target in device_targets(plan)}


@given(requests, tenants, moments, st.sampled_from(LINES))
def test_a_line_never_dials_what_the_rule_of_the_one_who_pays_does_not_allow(
    request: Request, tenant: MemoryTenant, moment: datetime, key: str
) -> None:
    plan = to_a_line(request, tenant, moment, key)
    if plan.callee not in LINES:
        return
    mapped = {each.gateway.switch_name for each in tenant.extensions.values() if each.gateway is not None}
    for target in gateway_targets(plan):
        if target.charge is None:
            # Only what an extension is mapped to is free.
            assert Rule.GATEWAY_MAPPED in rules_in(plan) and target.gateway in mapped
            continue
        rule = tenant.extensions[target.charge].rule
        assert rule is not None
        locked = {country for country, access in rule.countries if access is CountryAccess.PASSCODE}
        allowed = {country for country, access in rule.countries if access is CountryAccess.ALLOWED} - locked
        assert country_of(target.dial) in allowed
        assert target.dial not in DIDS
    assert not any(isinstance(step, AskPasscode) for step in plan.steps)


@given(requests, tenants, moments, st.sampled_from(LINES))
def test_the_phone_that_calls_never_rings_and_a_withheld_number_is_never_shown(
    request: Request, tenant: MemoryTenant, moment: datetime, key: str
) -> None:
    plan = to_a_line(request, tenant, moment, key)
    caller = request.caller
    if not isinstance(caller, FromTrunk):
        own = caller.sip_user.partition("-")[0]
        assert own not in {target.extension for target in device_targets(plan)}
    elif caller.withheld:
        own_numbers = {each.caller_id for each in tenant.extensions.values()} | {tenant.organisation.main_number, *DIDS}
        for step in plan.steps:
            for target in step.targets if isinstance(step, Ring) else ():
                assert target.number in {"anonymous", *KEYS} or target.number in own_numbers


@given(requests, tenants, moments, st.sampled_from(LINES), pressed)
def test_nothing_is_kept_of_a_caller_who_leaves_that_would_not_be_at_the_end(
    request: Request, tenant: MemoryTenant, moment: datetime, key: str, keys: str
) -> None:
    plan = to_a_line(request, tenant, moment, key)
    if plan.callee not in LINES:
        return
    noted: list[Kept | None] = []
    for step in walk(plan, keys):
        noted.append(kept_by(step) or (noted[-1] if noted else None))
    if noted[-1] is None:
        assert set(noted) == {None}
    assert {kept.mailbox for kept in noted if kept is not None} <= set(KEYS)


def test_the_calls_above_meet_every_rule_of_lines() -> None:
    seen: set[str] = set()
    expected = {rule for rule in Rule if rule.startswith("line")}
    random = Random(1)  # a fixed seed: this test tells whether the strategies reach what the properties are about
    for _ in range(2_000):
        tenant = a_tenant_with_lines(random)
        moment = START + timedelta(minutes=random.randrange(365 * 24 * 60))
        plan = to_a_line(Request(FromTrunk("+6581112222"), ""), tenant, moment, random.choice(LINES))
        seen |= rules_in(plan) & expected
        if seen == expected:
            break

    assert seen == expected
