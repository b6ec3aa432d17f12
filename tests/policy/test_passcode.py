"""Countries that a rule opens with a passcode (product §1 and §9)."""

from __future__ import annotations

import pytest

from bizpbx.policy.explain import to_json, to_lines
from bizpbx.policy.plan import Announce, AskPasscode, Cause, HangUp, Ring, Stage
from bizpbx.policy.prompt import Prompt
from bizpbx.policy.settings import CountryAccess, OutboundRule
from tests.policy.tenant import (
    CARRIER,
    end_of,
    extension,
    forwarding,
    from_inside,
    from_outside,
    gateway_targets,
    rules_of,
    targets_of,
    tenant,
    who_rings,
)

KABUL = "+93701234567"
ACME = tenant(extension("100", passcode=True))


def test_an_extension_with_a_passcode_is_asked_for_it_before_anything_is_dialled() -> None:
    plan = from_inside(ACME, "100", KABUL)

    assert [type(step) for step in plan.steps] == [AskPasscode, Ring, Announce, HangUp]
    assert plan.steps[0] == AskPasscode(Stage.PASSCODE, "100")
    assert who_rings(plan) == [KABUL]
    assert rules_of(plan) == ["e164", "country-passcode", "passcode-asked", "caller-id"]


def test_a_country_that_is_allowed_is_not_asked_for_it() -> None:
    assert not any(isinstance(step, AskPasscode) for step in from_inside(ACME, "100", "61234567").steps)


@pytest.mark.parametrize("order", [1, -1])
def test_a_country_that_is_listed_both_ways_requires_it(order: int) -> None:
    countries = (("AF", CountryAccess.ALLOWED), ("AF", CountryAccess.PASSCODE))[::order]
    acme = tenant(extension("100", passcode=True, rule=OutboundRule("R", CARRIER, (), countries)))

    assert isinstance(from_inside(acme, "100", KABUL).steps[0], AskPasscode)


def test_an_extension_without_a_passcode_goes_through() -> None:
    plan = from_inside(tenant(extension("100")), "100", KABUL)

    assert [type(step) for step in plan.steps] == [Ring, Announce, HangUp]
    assert "passcode-off" in rules_of(plan)


def test_an_organisation_can_refuse_extensions_without_a_passcode() -> None:
    plan = from_inside(tenant(extension("100"), refuse_without_passcode=True), "100", KABUL)

    assert plan.steps == (Announce(Stage.ANNOUNCE, Prompt.NOT_ALLOWED), HangUp(Stage.END, Cause.OUTGOING_CALL_BARRED))
    assert rules_of(plan)[-1] == "passcode-missing"


@pytest.mark.parametrize("refuse", [False, True])
@pytest.mark.parametrize("passcode", [False, True])
def test_a_forward_to_such_a_country_is_refused(passcode: bool, refuse: bool) -> None:
    acme = tenant(
        extension("100", passcode=passcode, forwarding=forwarding(number=KABUL)), refuse_without_passcode=refuse
    )
    plan = from_outside(acme, "+6591112222")

    assert gateway_targets(plan) == []
    assert "passcode-required" in rules_of(plan)


def test_an_emergency_number_is_never_asked_for_it() -> None:
    plan = from_inside(tenant(extension("100", passcode=True), refuse_without_passcode=True), "100", "995")

    assert isinstance(plan.steps[0], Ring)


def test_without_a_gateway_nobody_is_asked() -> None:
    rule = OutboundRule("R", None, (), (("AF", CountryAccess.PASSCODE),))
    plan = from_inside(tenant(extension("100", passcode=True, rule=rule), trunks=()), "100", KABUL)

    assert plan.steps[0] == Announce(Stage.ANNOUNCE, Prompt.LINES_BUSY)
    assert targets_of(plan) == []
    assert end_of(plan).cause is Cause.NORMAL_TEMPORARY_FAILURE


def test_explain_tells_that_it_is_asked_for_and_never_what_it_is() -> None:
    plan = from_inside(ACME, "100", KABUL)

    assert to_lines(plan)[0] == "1. ask for the passcode of 100, 3 tries"
    assert to_lines(plan)[3] == "3. announce why the last ring failed"
    assert to_json(plan)["steps"][0] == {  # type: ignore[index]
        "stage": "passcode",
        "section": 0,
        "action": "ask_passcode",
        "extension": "100",
        "tries": 3,
    }
    assert to_json(plan)["steps"][2] == {"stage": "announce", "section": 0, "action": "announce", "prompt": None}  # type: ignore[index]
