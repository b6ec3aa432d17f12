"""A gateway with a rule of its own, such as a customer's PBX, calls out under that rule (product §9)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bizpbx.policy.decide import decide
from bizpbx.policy.plan import Cause, Plan
from bizpbx.policy.request import FromTrunk, Request
from bizpbx.policy.settings import CallerIdPlanEntry, CountryAccess, DialPlanEntry, OutboundRule
from tests.policy.tenant import (
    CARRIER,
    MAIN,
    SINGAPORE,
    MemoryTenant,
    end_of,
    extension,
    gateway_targets,
    ring_of,
    rules_of,
    shown_to,
    targets_of,
    tenant,
    who_rings,
)

OWN, NOWHERE = "+6564291311", "+6564291312"
BRANCH = OutboundRule(
    "Branch",
    CARRIER,
    (SINGAPORE,),
    (("SG", CountryAccess.ALLOWED), ("VN", CountryAccess.ALLOWED), ("AF", CountryAccess.PASSCODE)),
    (CallerIdPlanEntry("VN", "9388", MAIN),),
)
PAYER = extension("100", rule=None, caller_id="+6564291399", passcode=True)
ACME = replace(
    tenant(PAYER, extension("101"), numbers={MAIN: "101", OWN: "101", NOWHERE: ""}),
    payers={"branch": replace(PAYER, rule=BRANCH)},
)


def through(
    gateway: str | None, dialled: str, number: str | None = OWN, where: MemoryTenant = ACME, **call: object
) -> Plan:
    return decide(Request(FromTrunk(number, gateway=gateway, **call), dialled), where)  # type: ignore[arg-type]  # the call says which


def test_the_rule_of_the_gateway_decides_and_the_payer_is_charged() -> None:
    plan = through("branch", "61234567")

    assert who_rings(plan) == ["+6561234567"]
    assert gateway_targets(plan)[0].charge == "100"
    assert rules_of(plan) == ["gateway-rule", "dial-plan", "country-allowed", "caller-id"]


@pytest.mark.parametrize(
    "dialled", ["+18765551234", "+6519001234567", "+881612345678", "100", "101", "1234567", "", "x"]
)
def test_nothing_else_is_reached_not_even_a_key(dialled: str) -> None:
    assert targets_of(through("branch", dialled)) == []


@pytest.mark.parametrize("gateway", [None, "carrier", "gone"])
@pytest.mark.parametrize("dialled", ["61234567", "+6561234567", "995"])
def test_a_gateway_without_a_rule_reaches_dids_alone(gateway: str | None, dialled: str) -> None:
    plan = through(gateway, dialled)

    assert targets_of(plan) == []
    assert rules_of(plan) == ["did-unknown"]


@pytest.mark.parametrize("dialled", [MAIN, "64291310"])
def test_own_numbers_stay_inside(dialled: str) -> None:
    assert who_rings(through("branch", dialled)) == ["101-ip_phone"]


def test_an_own_number_that_leads_nowhere_never_leaves() -> None:
    plan = through("branch", NOWHERE)

    assert targets_of(plan) == []
    assert end_of(plan).cause is Cause.UNALLOCATED_NUMBER


@pytest.mark.parametrize(
    ("number", "shown"),
    [(OWN, OWN), (NOWHERE, NOWHERE), ("64291311", OWN), ("+6591112222", "+6564291399"), (None, "+6564291399")],
)
def test_it_presents_a_number_of_the_organisation_and_no_other(number: str | None, shown: str) -> None:
    plan = through("branch", "61234567", number)

    assert shown_to(plan, "+6561234567") == shown
    assert gateway_targets(plan)[0].asserted == shown


def test_the_caller_id_plan_of_its_rule_beats_what_it_presents() -> None:
    assert shown_to(through("branch", "+84938812345"), "+84938812345") == MAIN


def test_who_withholds_the_number_behind_a_pbx_is_not_shown() -> None:
    plan = through("branch", "61234567", OWN, withheld=True)

    assert (ring_of(plan).withheld, ring_of(plan).caller_name) == (True, "Anonymous")
    assert (shown_to(plan, "+6561234567"), gateway_targets(plan)[0].asserted) == ("anonymous", OWN)


def test_where_a_passcode_is_required_nobody_can_be_asked() -> None:
    plan = through("branch", "+93701234567")

    assert end_of(plan).cause is Cause.OUTGOING_CALL_BARRED
    assert rules_of(plan)[-1] == "passcode-required"


def test_an_emergency_number_leaves_with_the_number_it_was_called_from() -> None:
    own = through("branch", "995", withheld=True)
    foreign = through("branch", "995", "+6591112222")

    assert (who_rings(own), shown_to(own, "995")) == (["995"], OWN)
    assert shown_to(foreign, "995") == "+6564291399"
    assert gateway_targets(own)[0].charge is None


def test_an_emergency_number_may_have_a_digit_for_an_outside_line_before_it() -> None:
    rule = replace(BRANCH, dial_plan=(DialPlanEntry(("9",), 4, strip=1),))
    where = replace(ACME, payers={"branch": replace(PAYER, rule=rule)})

    assert who_rings(through("branch", "9995", where=where)) == ["995"]


def test_a_call_that_was_diverted_often_is_not_sent_out_again() -> None:
    plan = through("branch", "61234567", diverted_by=("a", "b", "c"))

    assert targets_of(plan) == []
    assert rules_of(plan)[-1] == "diversions"
