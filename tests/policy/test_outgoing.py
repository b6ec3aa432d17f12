"""Calls to public numbers (product §9)."""

import pytest

from bizpbx.policy.plan import Announce, Cause, HangUp, Stage
from bizpbx.policy.prompt import Prompt
from bizpbx.policy.settings import CountryAccess, DialPlanEntry, OutboundRule
from tests.policy.tenant import (
    CARRIER,
    SINGAPORE,
    end_of,
    extension,
    from_inside,
    gateway_targets,
    ring_of,
    rules_of,
    shown_to,
    targets_of,
    tenant,
    who_rings,
)

ACME = tenant(extension("100"))


def under(*countries: str, plan: tuple[DialPlanEntry, ...] = ()) -> OutboundRule:
    """A rule that allows these countries."""
    return OutboundRule("Narrow", CARRIER, plan, tuple((each, CountryAccess.ALLOWED) for each in countries))


def test_61234567_is_dialled_as_6561234567() -> None:
    plan = from_inside(ACME, "100", "61234567")

    assert who_rings(plan) == ["+6561234567"]
    assert gateway_targets(plan)[0].gateway == "carrier.acme.example"
    assert rules_of(plan) == ["dial-plan", "country-allowed", "caller-id"]
    assert plan.callee is None


@pytest.mark.parametrize("dialled", ["+6561234567", "6561234567", "006561234567", "+65 6123-4567"])
def test_without_a_match_the_number_is_e164(dialled: str) -> None:
    plan = from_inside(ACME, "100", dialled)

    assert who_rings(plan) == ["+6561234567"]
    assert rules_of(plan)[0] == "e164"


def test_the_first_match_wins_once() -> None:
    plan = (
        DialPlanEntry(("9",), 9, strip=1, prepend="65"),
        DialPlanEntry(("9",), 9, strip=0, prepend="84"),
        DialPlanEntry(("65",), 10, strip=0, prepend="1"),
    )

    assert who_rings(from_inside(tenant(extension("100", rule=under("SG", plan=plan))), "100", "961234567")) == [
        "+6561234567"
    ]


def test_an_entry_may_match_what_looks_like_a_key_or_an_international_prefix() -> None:
    short = DialPlanEntry(("18",), 4, strip=4, prepend="+6561234567")
    access = DialPlanEntry(("00165",), 13, strip=3, prepend="")
    acme = tenant(extension("100", rule=under("SG", plan=(short, access))))

    assert who_rings(from_inside(acme, "100", "1800")) == ["+6561234567"]
    assert who_rings(from_inside(acme, "100", "0016561234567")) == ["+6561234567"]


def test_a_number_with_plus_is_not_looked_up_in_the_dial_plan() -> None:
    anything = DialPlanEntry(("", "+"), 11, strip=3, prepend="84")
    acme = tenant(extension("100", rule=under("SG", "VN", plan=(anything,))))

    assert who_rings(from_inside(acme, "100", "+6561234567")) == ["+6561234567"]


def test_a_dial_plan_that_makes_no_number_is_an_invalid_number() -> None:
    broken = DialPlanEntry(("6",), 8, strip=8, prepend="x")
    plan = from_inside(tenant(extension("100", rule=under("SG", plan=(broken,)))), "100", "61234567")

    assert end_of(plan).cause is Cause.INVALID_NUMBER_FORMAT


@pytest.mark.parametrize("dialled", ["1234567", "+65123", "0065123", "0123456789012345678901"])
def test_what_is_possible_in_no_country_is_an_invalid_number(dialled: str) -> None:
    plan = from_inside(ACME, "100", dialled)

    assert end_of(plan).cause is Cause.INVALID_NUMBER_FORMAT
    assert rules_of(plan) == ["number-invalid"]


@pytest.mark.parametrize(
    "dialled", ["+60123456789", "+18765551234", "+12125552368", "+881612345678", "+447911123456", "+6519001234567"]
)
def test_a_country_that_is_not_listed_is_barred(dialled: str) -> None:
    plan = from_inside(ACME, "100", dialled)

    assert targets_of(plan) == []
    assert end_of(plan).cause is Cause.OUTGOING_CALL_BARRED
    assert rules_of(plan)[-1] == "country-not-listed"


def test_the_united_states_do_not_open_jamaica_nor_premium_numbers() -> None:
    acme = tenant(extension("100", rule=under("US")))

    assert who_rings(from_inside(acme, "100", "+12125552368")) == ["+12125552368"]
    assert targets_of(from_inside(acme, "100", "+18765551234")) == []
    assert targets_of(from_inside(acme, "100", "+19005551212")) == []


def test_premium_and_satellite_numbers_are_called_when_they_are_listed_by_themselves() -> None:
    acme = tenant(extension("100", rule=under("US-PREMIUM", "SATELLITE")))

    assert who_rings(from_inside(acme, "100", "+19005551212")) == ["+19005551212"]
    assert who_rings(from_inside(acme, "100", "+881612345678")) == ["+881612345678"]
    assert targets_of(from_inside(acme, "100", "+12125552368")) == []


def test_what_is_barred_is_told_and_what_fails_is_told_by_its_cause() -> None:
    barred = from_inside(ACME, "100", "+60123456789")
    placed = from_inside(ACME, "100", "61234567")

    assert barred.steps[0] == Announce(Stage.ANNOUNCE, Prompt.NOT_ALLOWED)
    assert placed.steps[1:] == (Announce(Stage.ANNOUNCE), HangUp(Stage.END))


def test_without_a_rule_there_are_no_external_calls() -> None:
    plan = from_inside(tenant(extension("100", rule=None)), "100", "+6561234567")

    assert targets_of(plan) == []
    assert end_of(plan).cause is Cause.OUTGOING_CALL_BARRED
    assert rules_of(plan)[-1] == "no-rule"


def test_a_rule_that_lists_nothing_denies() -> None:
    assert targets_of(from_inside(tenant(extension("100", rule=under())), "100", "+6561234567")) == []


def test_a_rule_without_a_gateway_uses_the_trunk_and_without_a_trunk_nothing() -> None:
    rule = OutboundRule("Plain", None, (SINGAPORE,), (("SG", CountryAccess.ALLOWED),))

    assert who_rings(from_inside(tenant(extension("100", rule=rule)), "100", "61234567")) == ["+6561234567"]
    plan = from_inside(tenant(extension("100", rule=rule), trunks=()), "100", "61234567")
    assert end_of(plan).cause is Cause.NORMAL_TEMPORARY_FAILURE
    assert rules_of(plan)[-1] == "no-gateway"


def test_the_extension_s_caller_id_is_presented_else_the_main_number() -> None:
    own = from_inside(tenant(extension("100", caller_id="+6564291399")), "100", "61234567")
    main = from_inside(ACME, "100", "61234567")

    assert shown_to(own, "+6561234567") == "+6564291399"
    assert ring_of(own).caller_name == "+6564291399"  # the label stays inside
    assert shown_to(main, "+6561234567") == "+6564291310"


def test_without_a_number_to_present_the_call_is_barred() -> None:
    plan = from_inside(tenant(extension("100"), main_number=None, numbers={}), "100", "61234567")

    assert end_of(plan).cause is Cause.OUTGOING_CALL_BARRED
    assert rules_of(plan)[-1] == "no-caller-id"


def test_of_a_rule_s_name_only_plain_text_stands_in_a_reason() -> None:
    rule = OutboundRule("Bob's ${x} | <Größe>\r\n", CARRIER, (), (("SG", CountryAccess.ALLOWED),))
    plan = from_inside(tenant(extension("100", rule=rule)), "100", "+6561234567")

    assert plan.reasons[1].text == "+6561234567 is of SG, which Bobs x  Größe allows"
