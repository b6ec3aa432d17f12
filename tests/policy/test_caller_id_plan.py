"""The caller-ID plan of an outbound rule (product §9)."""

from dataclasses import replace

import pytest

from bizpbx.policy.settings import CallerIdPlanEntry, CountryAccess, OnForward
from tests.policy.tenant import (
    STANDARD,
    extension,
    forwarding,
    from_inside,
    from_outside,
    ring_of,
    rules_of,
    shown_to,
    tenant,
)

ASIA, MOBILES, HANOI = "+6564291310", "+6564291311", "+6564291312"
RULE = replace(
    STANDARD,
    countries=(*STANDARD.countries, ("GB", CountryAccess.ALLOWED), ("GB-PREMIUM", CountryAccess.ALLOWED)),
    caller_id_plan=(
        CallerIdPlanEntry("VN", "", HANOI),
        CallerIdPlanEntry("VN", "9388", ASIA),
        CallerIdPlanEntry("VN", "93", MOBILES),
        CallerIdPlanEntry("GB", "", MOBILES),
        CallerIdPlanEntry("GB-PREMIUM", "", HANOI),
    ),
)
DESK = extension("100", rule=RULE, caller_id="+6564291399")


@pytest.mark.parametrize(
    ("dialled", "shown"),
    [
        ("+84938812345", ASIA),  # the example: to 84 with 9388
        ("84938812345", ASIA),
        ("+84937712345", MOBILES),  # a shorter prefix
        ("+842438123456", HANOI),  # the whole country
        ("+442079460018", MOBILES),
        ("+449098790000", HANOI),  # a range apart has an entry of its own
        ("61234567", "+6564291399"),  # no entry: the extension's own choice
    ],
)
def test_the_longest_prefix_wins_and_beats_the_extension_s_own_choice(dialled: str, shown: str) -> None:
    plan = from_inside(tenant(DESK), "100", dialled)

    assert {target.number for target in ring_of(plan).targets} == {shown}
    assert ring_of(plan).caller_name == shown
    assert ("caller-id-plan" in rules_of(plan)) == (shown != "+6564291399")


def test_a_prefix_counts_from_behind_the_country_code() -> None:
    rule = replace(STANDARD, caller_id_plan=(CallerIdPlanEntry("VN", "84", ASIA),))

    plan = from_inside(tenant(extension("100", rule=rule)), "100", "+84938812345")

    assert "caller-id-plan" not in rules_of(plan)


def test_a_plan_is_enough_to_have_a_number_to_present() -> None:
    plan = from_inside(tenant(replace(DESK, caller_id=None), main_number=None), "100", "+84938812345")

    assert shown_to(plan, "+84938812345") == ASIA


def test_a_forward_to_the_country_presents_the_number_of_the_plan() -> None:
    owner = replace(DESK, forwarding=forwarding("101", number="+84938812345"))

    plan = from_outside(tenant(owner, extension("101")), "+6591112222")

    assert (shown_to(plan, "+84938812345"), shown_to(plan, "101-ip_phone")) == (ASIA, "100")


def test_a_forward_that_shows_the_caller_shows_the_caller() -> None:
    owner = replace(DESK, forwarding=forwarding(number="+84938812345"), on_forward=OnForward.CALLER)

    assert shown_to(from_outside(tenant(owner), "+6591112222"), "+84938812345") == "+6591112222"


def test_a_number_of_the_plan_that_comes_back_is_a_loop() -> None:
    owner = replace(DESK, forwarding=forwarding(number="+84938812345"))

    plan = from_outside(tenant(owner), "+6597778888", diverted_by=(HANOI,))

    assert "loop" in rules_of(plan)
