"""`bizpbx explain call`: calls that come in through a gateway."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Homes
from tests.cli.test_commands import Run, answer, bizpbx
from tests.settings.samples import example

__all__ = ["bizpbx"]


@pytest.fixture
def branch(bizpbx: Run, homes: Homes) -> Run:
    homes(bizpbx, example())
    bizpbx("gateway", "add", "branch", "host=192.0.2.30", "outbound_rule=Standard", "payer=101")
    return bizpbx


def explained(branch: Run, *through: str) -> list[str]:
    told = answer(branch("explain", "call", "--from", "+6564291310", "--to", "61234567", "--json", *through))
    return [reason["rule"] for reason in told["reasons"]]


def test_the_gateway_s_rule_decides_where_it_has_one(branch: Run) -> None:
    assert explained(branch, "--through", "branch") == ["gateway-rule", "dial-plan", "country-allowed", "caller-id"]
    assert explained(branch, "--through", "carrier") == explained(branch) == ["did-unknown"]


def test_a_gateway_that_is_none_or_not_of_the_caller_is_told(branch: Run) -> None:
    call = ("explain", "call", "--to", "61234567", "--through")
    assert branch(*call, "nope", "--from", "+6564291310", code=1).stderr.startswith("There is no gateway 'nope'.")
    assert branch(*call, "branch", "--from", "101", code=1).stderr.startswith("--through is of a caller outside")


def test_what_a_gateway_needs_to_call_out_is_told_by_its_field(branch: Run) -> None:
    wrong = branch("gateway", "set", "branch", "payer=null", code=1).stderr
    assert wrong == "payer: is missing; an extension pays for calls under the rule. [incomplete]\n"
    trunk = branch("gateway", "set", "branch", "trunk=true", code=1).stderr
    assert trunk.startswith("outbound_rule: is for a PBX; ")
