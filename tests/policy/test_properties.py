"""What holds for every call, whatever the settings and whatever the caller sends."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from bizpbx.policy.country import country_of
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
    Plan,
    Play,
    Record,
    Ring,
    Stage,
    kept_by,
)
from bizpbx.policy.prompt import Prompt
from bizpbx.policy.request import FromDevice, FromTrunk, Request
from bizpbx.policy.rules import Rule
from bizpbx.policy.settings import (
    CallerIdPlanEntry,
    CountryAccess,
    Device,
    DeviceKind,
    DialPlanEntry,
    Extension,
    ExtensionType,
    Forwarding,
    Gateway,
    NoAnswer,
    NoAnswerAction,
    OnForward,
    OutboundRule,
)
from tests.policy.tenant import ACME, CARRIER, DOMAIN, MemoryTenant, name_of, targets_of

T = TypeVar("T")

KEYS = ["100", "101", "102", "103"]
DIDS = ["+6564291310", "+6564291311", "+442079460018"]
PUBLIC = ["+6581112222", "+6591112222", "+84938812345", "+447911123456", "+12125552368", "+18765551234", "+93701234567"]
COSTLY = ["+19005551212", "+881612345678", "+449091234567", "+499001234567", "+4990012345670", "+447012345678"]
NUMBERS = [*DIDS, *PUBLIC, *COSTLY]
NATIONAL = ["61234567", "91112222", "64291310", "0016561234567", "1800", "900555121", "995", "112"]
PBX = Gateway("pbx", "pbx.acme.example", "192.0.2.9", username="acme-77")
SPARE = Gateway("spare", "spare.acme.example", "192.0.2.9", trunk=True)

PLANNED = [
    CallerIdPlanEntry(country, prefix, caller_id)
    for country, prefix in (("SG", ""), ("SG", "9"), ("VN", "9388"), ("US", ""), ("GB", "7"), ("GB-PREMIUM", ""))
    for caller_id in DIDS[:2]
]

PREFIX = {"SG": "+65", "VN": "+84", "US": "+1", "GB": "+44", "DE": "+49"}
"""Told apart from the code under test: the country codes that a listed country can lie behind."""
COSTLY_PREFIXES = ("+1876", "+1900", "+881", "+44909", "+49900", "+4470")

keys = st.sampled_from([*KEYS, "199"])
numbers = st.sampled_from(NUMBERS)
national = st.sampled_from(NATIONAL)
hostile = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="0123456789+*#-;${}'\",|[]<>\r\n\0 ٣９@:", max_size=40),
    st.from_regex(r"(\+|00)?[0-9]{1,17}", fullmatch=True),
    st.sampled_from(["9" * 10_000, "${system id}", "$${domain}", "100\r\nX: y", "%0A", "995", "999", "\ud800"]),
)


def mostly_from(usual: st.SearchStrategy[T], odd: st.SearchStrategy[T]) -> st.SearchStrategy[T]:
    """One in five is odd. `one_of` would give each kind of odd text the weight of all usual ones together."""
    return st.integers(0, 4).flatmap(lambda roll: usual if roll else odd)


dialled = mostly_from(st.one_of(st.sampled_from([*DIDS, CODE]), keys, numbers, national), hostile)


def some(random: Random, values: Sequence[T], most: int) -> tuple[T, ...]:
    return tuple(random.choices(values, k=random.randint(0, most)))


def mostly(random: Random) -> bool:
    return random.random() < 0.8


def rarely(random: Random) -> bool:
    return random.random() < 0.15


def a_rule(random: Random) -> OutboundRule:
    """A rule with a dial plan that may do anything."""

    def digits(most: int) -> str:
        return "".join(some(random, "0123456789", most))

    def entry() -> DialPlanEntry:
        starts = tuple(random.choice([digits(2), "6", "9", "0"]) for _ in range(random.randint(0, 3)))
        prepend = random.choice(["", "65", "84", "+", "00", "0044", "1900555", "881", "49900", "1876", digits(6)])
        return DialPlanEntry(starts, random.choice([4, 8, 8, 8, 10, 13]), random.choice([0, 0, 1, 3, 8]), prepend)

    return OutboundRule(
        random.choice(["Drawn", "Bob's ${rule}", "A|B\r\n<C>"]),
        CARRIER if mostly(random) else random.choice([None, PBX]),
        tuple(entry() for _ in range(random.randint(0, 3))),
        tuple(
            (country, CountryAccess.PASSCODE if rarely(random) else CountryAccess.ALLOWED)
            for country in some(random, list(PREFIX), 10)
        ),
        some(random, PLANNED, 3),
        some(random, [CARRIER, PBX, SPARE], 2),
    )


def an_extension(random: Random, key: str) -> Extension:
    own = tuple(
        Device(kind, f"{key}-{kind}", mostly(random), mostly(random), mostly(random), rarely(random))
        for kind in DeviceKind
        if mostly(random)
    )
    onward = random.choice([None, *NUMBERS, *NATIONAL])
    return Extension(
        key=key,
        label=random.choice(["Reception", "", "${label}", "a\r\nb", "\u202e\x00" * 40, "long " * 60]),
        type=ExtensionType.CALL_CENTER if rarely(random) else ExtensionType.NORMAL,
        do_not_disturb=rarely(random),
        gateway=random.choice([CARRIER, PBX]) if rarely(random) else None,
        forwarding=Forwarding(
            enabled=mostly(random),
            number=onward,
            extensions=some(random, [*KEYS, "199"], 3),
            vip_numbers=frozenset(some(random, NUMBERS, 6)),
            vip_extensions=frozenset(some(random, KEYS, 2)),
        ),
        no_answer=NoAnswer(
            random.choice(list(NoAnswerAction)),
            random.randint(0, 90),
            random.choice([None, onward, onward, *NUMBERS, *NATIONAL]),
            message=random.choice([None, "a" * 64]),
            longest=random.randint(-1, 90),
            pin=rarely(random),
        ),
        devices=own,
        caller_id=random.choice([*NUMBERS, *DIDS]) if mostly(random) else random.choice([None, "not a number"]),
        draws_from=some(random, DIDS, 3) if rarely(random) else (),
        on_forward=random.choice(list(OnForward)),
        rule=a_rule(random) if mostly(random) else None,
        passcode=random.random() < 0.5,
    )


def a_tenant(random: Random) -> MemoryTenant:
    organisation = replace(
        ACME,
        country=random.choice(["SG", "US", "GB", "DE"]),
        main_number=random.choice([None, *DIDS]),
        trunks=random.choice([(), (CARRIER,), (CARRIER, SPARE)]),
        refuse_without_passcode=random.random() < 0.5,
    )
    return MemoryTenant(
        organisation,
        {key: an_extension(random, key) for key in KEYS},
        {did: random.choice([*KEYS, "700"]) for did in DIDS},
    )


tenants = st.builds(a_tenant, st.randoms(use_true_random=True))
"""Drawn from a seed: a tenant of this size, drawn value by value, takes Hypothesis fifty times as long."""


devices = mostly_from(st.sampled_from([f"{key}-{kind}" for key in KEYS for kind in DeviceKind]), hostile)
trunks = st.builds(
    FromTrunk,
    number=mostly_from(st.one_of(st.none(), numbers), hostile),
    name=hostile,
    withheld=st.booleans(),
    diverted_by=st.lists(mostly_from(numbers, hostile), max_size=5).map(tuple),
)
requests = st.one_of(
    st.builds(Request, st.builds(FromDevice, devices, st.booleans()), dialled),
    st.builds(Request, trunks, mostly_from(st.sampled_from(DIDS), dialled)),
)


many = settings(max_examples=2 * settings.default.max_examples, deadline=None)
"""A busy machine is not a failure: no deadline for one call."""


def opening(plan: Plan, tenant: MemoryTenant, key: str) -> bool:
    """Whether a number of a country with a passcode would be dialled by an extension without its being asked for."""
    if tenant.extensions[key].passcode:
        return plan.steps[0] != AskPasscode(Stage.PASSCODE, key)
    return tenant.organisation.refuse_without_passcode


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

BEFORE_THE_POLICY = {Rule.ORGANISATION_UNKNOWN, Rule.SOURCE_UNKNOWN}
"""Applied where an organisation is looked for: before there are settings to decide from."""


def rules_in(plan: Plan) -> set[str]:
    return {reason.rule for reason in plan.reasons}


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
    assert plan.steps[-1] == HangUp(Stage.END, plan.steps[-1].cause)  # type: ignore[union-attr]


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
            caller = FromTrunk(random.choice([None, *NUMBERS]), diverted_by=some(random, NUMBERS, 4))
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
