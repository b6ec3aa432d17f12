"""Whose call is it? And then: decided by the settings of this moment."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bizpbx.calls.call import Arrival
from bizpbx.controller.decider import Decider
from bizpbx.controller.queries import Queries
from bizpbx.directory.database import Database
from bizpbx.directory.lookup import SettingsReader
from bizpbx.policy.plan import Cause, HangUp, Plan, Ring
from bizpbx.policy.request import FromDevice, FromTrunk, Request
from tests.controller.conftest import ACME, ACME_CARRIER, ACME_DID, BRAVO_CARRIER, BRAVO_DID
from tests.settings.samples import applied, example


@pytest.fixture
def decider(settings: Database) -> Decider:
    return Decider(Queries(settings), SettingsReader())


def from_trunk(dialled: str, host: str = ACME_CARRIER, caller: str = "+6531234567") -> Arrival:
    return Arrival("a-call", None, f"{host}:5060", Request(FromTrunk(caller), dialled))


def from_device(user: str, dialled: str, domain: str = ACME) -> Arrival:
    return Arrival("a-call", domain, "127.0.0.1:5060", Request(FromDevice(user), dialled))


def rules(plan: Plan) -> list[str]:
    return [str(reason.rule) for reason in plan.reasons]


def refused(plan: Plan) -> Cause | None:
    (step,) = plan.steps
    assert isinstance(step, HangUp)
    return step.cause


def test_a_call_from_an_address_without_gateway_is_rejected(decider: Decider) -> None:
    plan = decider(from_trunk(ACME_DID, "203.0.113.9"))
    assert (refused(plan), rules(plan)) == (Cause.CALL_REJECTED, ["source-unknown"])
    assert "203.0.113.9" in plan.reasons[0].text


@pytest.mark.parametrize("host", ["", "not an address", "::1", "192.0.2.10.example"])
def test_an_address_of_any_shape_is_no_fault(decider: Decider, host: str) -> None:
    assert rules(decider(from_trunk(ACME_DID, host))) == ["source-unknown"]


def test_a_number_of_another_organisation_is_not_reached_through_our_gateway(decider: Decider) -> None:
    plan = decider(from_trunk(BRAVO_DID, ACME_CARRIER))
    assert (refused(plan), rules(plan)) == (Cause.UNALLOCATED_NUMBER, ["did-unknown"])
    assert decider(from_trunk(BRAVO_DID, BRAVO_CARRIER)).callee == "100"


def by_account(gateway: str, dialled: str) -> Arrival:
    return replace(from_trunk(dialled, "203.0.113.9"), gateway=gateway)


def test_a_gateway_that_signed_in_calls_its_organisation_from_anywhere(decider: Decider) -> None:
    assert decider(by_account(f"carrier.{ACME}", ACME_DID)).callee == "100"
    assert rules(decider(by_account(f"carrier.{ACME}", BRAVO_DID))) == ["did-unknown"]
    assert rules(decider(by_account(f"carrier.{ACME}", "+6598765432"))) == ["did-unknown"]


@pytest.mark.parametrize("gateway", [f"gone.{ACME}", "carrier.gone.example", "carrier", "", "."])
def test_an_account_that_is_gone_is_rejected_while_the_switch_still_knows_it(decider: Decider, gateway: str) -> None:
    assert rules(decider(by_account(gateway, ACME_DID))) == ["source-unknown"]


@pytest.mark.parametrize("dialled", [ACME_DID, "6564291310", "006564291310", "64291310"])
def test_the_did_is_known_however_the_carrier_writes_it(decider: Decider, dialled: str) -> None:
    plan = decider(from_trunk(dialled))
    assert plan.callee == "100"
    assert rules(plan)[:2] == ["did", "vip"]


@pytest.mark.parametrize("dialled", ["100", "999", "+6598765432", "", "abc", "+" * 60])
def test_nothing_but_dids_can_be_dialled_from_a_gateway(decider: Decider, dialled: str) -> None:
    assert rules(decider(from_trunk(dialled))) == ["did-unknown"]


BRANCH = "192.0.2.30"


def with_branch(database: Database, **fields: object) -> Decider:
    """A PBX of Acme's that calls out."""
    data = example(ACME, ACME_DID)
    data["gateways"][0]["trunk"] = True
    calls = {"outbound_rule": "Standard", "payer": "101"}
    data["gateways"].append({"name": "branch", "host": BRANCH, "port": 5066, "username": "b", "password": "p"} | calls)
    if fields:
        data["gateways"].append({"name": "other", "host": BRANCH, "port": 5067} | fields)
    applied(database, data)
    return Decider(Queries(database), SettingsReader())


def test_a_gateway_with_a_rule_calls_out_by_its_address(settings: Database) -> None:
    decider = with_branch(settings)
    plan = decider(from_trunk("61234567", BRANCH))
    assert rules(plan) == ["gateway-rule", "dial-plan", "country-allowed", "caller-id"]
    assert plan.organisation == ACME
    assert rules(decider(from_trunk("995", BRANCH))) == ["emergency"]
    assert rules(decider(from_trunk("+93701234567", BRANCH)))[-1] == "passcode-required"
    assert rules(decider(from_trunk(BRAVO_DID, BRANCH)))[2:] == ["country-allowed", "caller-id"]
    assert decider(from_trunk(ACME_DID, BRANCH)).callee == "100"


def test_a_gateway_with_a_rule_calls_out_by_its_account_from_anywhere(settings: Database) -> None:
    decider = with_branch(settings)
    assert rules(decider(by_account(f"branch.{ACME}", "61234567")))[0] == "gateway-rule"
    assert rules(decider(by_account(f"carrier.{ACME}", "61234567"))) == ["did-unknown"]


def test_of_gateways_at_one_address_the_port_tells_which_calls(settings: Database) -> None:
    decider = with_branch(settings, trunk=True)

    def from_port(port: int, dialled: str = "61234567") -> list[str]:
        return rules(decider(replace(from_trunk(dialled, BRANCH), source=f"{BRANCH}:{port}")))

    assert from_port(5066)[0] == "gateway-rule"
    assert from_port(5067) == ["did-unknown"]
    assert from_port(40000) == from_port(40000, "995") == ["source-ambiguous"]
    assert from_port(40000, ACME_DID)[0] == "did"


def test_a_payer_or_rule_that_goes_takes_the_calls_with_it(settings: Database) -> None:
    decider = with_branch(settings)
    gateway = {"name": "branch", "host": BRANCH, "port": 5066}
    applied(settings, {"organisation": {"domain": ACME}, "gateways": [gateway]})
    assert rules(decider(from_trunk("61234567", BRANCH))) == ["did-unknown"]


def test_organisations_that_share_a_carrier_are_told_apart_by_the_number(settings: Database) -> None:
    shared = example("carol.example", "+6564291377")
    shared["gateways"][0]["host"] = ACME_CARRIER
    applied(settings, shared)
    decider = Decider(Queries(settings), SettingsReader())
    assert "carol" not in str(decider(from_trunk(ACME_DID)))
    plan = decider(from_trunk("64291377"))
    assert isinstance(plan.steps[0], Ring)
    assert {target.domain for target in plan.steps[0].targets} == {"carol.example"}  # type: ignore[union-attr]


def test_a_call_of_an_organisation_that_is_gone_is_rejected(decider: Decider) -> None:
    plan = decider(from_device("100-ip_phone", "101", "gone.example"))
    assert (refused(plan), rules(plan)) == (Cause.CALL_REJECTED, ["organisation-unknown"])


def test_a_change_is_in_force_on_the_next_call(settings: Database, decider: Decider) -> None:
    assert "vip" in rules(decider(from_trunk(ACME_DID)))
    changed = example(ACME, ACME_DID)
    changed["extensions"][0]["incoming"]["do_not_disturb"] = True
    applied(settings, changed)
    assert rules(decider(from_trunk(ACME_DID))) == ["did", "do-not-disturb"]
