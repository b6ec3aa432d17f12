"""Gateways that call out: a rule and who pays, both or none, and never of a trunk."""

from __future__ import annotations

from typing import Any

import pytest

from bizpbx.directory import documents
from bizpbx.directory.database import Database
from bizpbx.directory.export import find
from bizpbx.directory.lookup import SettingsReader
from bizpbx.errors import InvalidSettings
from tests.settings.samples import applied, example

ACME = {"organisation": {"domain": "acme.example"}}


def with_branch(**fields: Any) -> dict[str, Any]:
    data = example()
    data["gateways"].append({"name": "branch", "host": "192.0.2.30"} | fields)
    return data


def problems(database: Database, data: dict[str, Any], **options: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidSettings) as refused:
        applied(database, data, **options)
    return [(path, code) for path, code, _ in refused.value.problems]


def stored(database: Database) -> tuple[str | None, str | None]:
    with database.reading() as session:
        branch = documents.gateways(session, find(session, "acme.example"))["branch"]
        return branch["outbound_rule"], branch["payer"]


@pytest.mark.parametrize(
    ("fields", "path", "code"),
    [
        ({"outbound_rule": "Standard"}, "payer", "incomplete"),
        ({"payer": "100"}, "outbound_rule", "incomplete"),
        ({"outbound_rule": "Standard", "payer": "100", "trunk": True}, "outbound_rule", "trunk-rule"),
        ({"outbound_rule": "None", "payer": "100"}, "outbound_rule", "unknown"),
        ({"outbound_rule": "Standard", "payer": "199"}, "payer", "unknown"),
    ],
)
def test_what_does_not_go_together_is_refused(database: Database, fields: dict[str, Any], path: str, code: str) -> None:
    assert problems(database, with_branch(**fields)) == [(f"gateways[1].{path}", code)]


def test_it_is_stored_changed_and_taken_back(database: Database) -> None:
    applied(database, with_branch(outbound_rule="Standard", payer="100"))
    assert stored(database) == ("Standard", "100")
    told = applied(database, with_branch(outbound_rule="Standard", payer="101")).changes
    assert [str(change) for change in told] == ["gateway branch: payer: 100 → 101"]
    assert stored(database) == ("Standard", "101")
    assert not applied(database, with_branch(outbound_rule="Standard", payer="101")).changes
    applied(database, with_branch())
    assert stored(database) == (None, None)


def test_what_it_needs_is_not_removed_but_together_with_it(database: Database) -> None:
    data = with_branch(outbound_rule="Branch", payer="104")
    data["outbound_rules"].append({"name": "Branch", "gateway": "carrier"})
    data["extensions"].append({"key": "104", "label": "Branch"})
    applied(database, data)
    assert problems(database, ACME, remove={"outbound_rules": ["Branch"]}) == [("outbound_rules.Branch", "in-use")]
    assert problems(database, ACME, remove={"extensions": ["104"]}) == [("extensions.104", "in-use")]
    applied(database, ACME, remove={"outbound_rules": ["Branch"], "extensions": ["104"], "gateways": ["branch"]})


def test_who_pays_calls_under_the_rule_of_the_gateway(database: Database) -> None:
    data = with_branch(outbound_rule="Branch", payer="100")
    data["outbound_rules"].append({"name": "Branch", "gateway": "carrier", "countries": {"VN": "allowed"}})
    applied(database, data)
    with database.reading() as session:
        acme = SettingsReader().tenant(session, "acme.example")
        payer, own = acme.gateway_payer("branch"), acme.extension("100")
        assert payer is not None and own is not None and payer.rule is not None and own.rule is not None
        assert (payer.key, payer.rule.name, own.rule.name) == ("100", "Branch", "Standard")
        assert acme.gateway_payer("carrier") is None
        assert (acme.owns("+6564291310"), acme.owns("+6564291399")) == (True, False)


@pytest.mark.parametrize("way", [{"gateway": "branch"}, {"gateway": "carrier", "fallback_gateways": ["branch"]}])
def test_a_gateway_does_not_call_out_through_itself(database: Database, way: dict[str, Any]) -> None:
    data = with_branch(outbound_rule="Branch", payer="100")
    data["outbound_rules"].append({"name": "Branch", "gateway": "carrier"})
    applied(database, data)
    data["outbound_rules"][1] |= way
    assert problems(database, data) == [("gateways[1].outbound_rule", "loop")]
    only = ACME | {"outbound_rules": [{"name": "Branch"} | way]}
    assert problems(database, only) == [("gateways.branch.outbound_rule", "loop")]
