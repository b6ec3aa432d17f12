"""Settings and calls of every kind, made at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st

from bizpbx.policy.mailbox import CODE
from bizpbx.policy.plan import (
    Plan,
)
from bizpbx.policy.request import FromDevice, FromTrunk, Request
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
from tests.policy.tenant import ACME, CARRIER, MemoryTenant

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
    extensions = {key: an_extension(random, key) for key in KEYS}
    payer = replace(extensions[random.choice(KEYS)], rule=a_rule(random) if mostly(random) else None)
    return MemoryTenant(
        organisation,
        extensions,
        {did: random.choice([*KEYS, "700"]) for did in DIDS},
        payers={"pbx": payer},
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
calling_out = st.builds(lambda call, asked: Request(replace(call, gateway="pbx"), asked), trunks, dialled)
"""Calls through a gateway that has a rule."""
requests = st.one_of(
    st.builds(Request, st.builds(FromDevice, devices, st.booleans()), dialled),
    st.builds(Request, trunks, mostly_from(st.sampled_from(DIDS), dialled)),
)


many = settings(max_examples=2 * settings.default.max_examples, deadline=None)
"""A busy machine is not a failure: no deadline for one call."""


def rules_in(plan: Plan) -> set[str]:
    return {reason.rule for reason in plan.reasons}
