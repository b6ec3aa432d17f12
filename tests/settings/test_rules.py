"""Outbound rules in the settings: the usual countries, ranges apart, and the caller-ID plan."""

from __future__ import annotations

from typing import Any

import pytest

from bizpbx.directory import documents
from bizpbx.directory.database import Database
from bizpbx.directory.default_countries import default_countries
from bizpbx.directory.export import find
from bizpbx.directory.lookup import SettingsReader
from bizpbx.errors import InvalidSettings
from bizpbx.policy.country import known_country
from bizpbx.policy.settings import CallerIdPlanEntry
from tests.settings.samples import applied, example

DID, OTHER = "+6564291310", "+6564291311"


def with_rule(**fields: Any) -> dict[str, Any]:
    data = example()
    data["numbers"].append({"number": OTHER})
    data["outbound_rules"] = [{"name": "Standard", "gateway": "carrier"} | fields]
    return data


def rule(database: Database) -> dict[str, Any]:
    with database.reading() as session:
        return documents.outbound_rules(session, find(session, "acme.example"))["Standard"]


SECOND = {"name": "second", "host": "192.0.2.20"}


def with_fallbacks(*fallbacks: str, **fields: Any) -> dict[str, Any]:
    data = with_rule(fallback_gateways=list(fallbacks), **fields)
    data["gateways"] += [SECOND, SECOND | {"name": "third"}]
    return data


def test_fallback_gateways_keep_their_order(database: Database) -> None:
    for order in (["third", "second"], ["second", "third"], ["second"]):
        applied(database, with_fallbacks(*order))
        assert rule(database)["fallback_gateways"] == order
        with database.reading() as session:
            extension = SettingsReader().tenant(session, "acme.example").extension("100")
            assert extension is not None and extension.rule is not None
            assert [gateway.name for gateway in extension.rule.fallback_gateways] == order


@pytest.mark.parametrize(
    ("fallbacks", "fields", "path", "code"),
    [
        (["second", "second"], {}, "outbound_rules[0].fallback_gateways[1]", "duplicate"),
        (["carrier"], {}, "outbound_rules[0].fallback_gateways[0]", "duplicate"),
        (["fourth"], {}, "outbound_rules[0].fallback_gateways[0]", "unknown"),
        (["second"], {"gateway": None}, "outbound_rules[0].fallback_gateways", "incomplete"),
    ],
)
def test_a_fallback_is_another_gateway_behind_one_that_is_named(
    database: Database, fallbacks: list[str], fields: dict[str, Any], path: str, code: str
) -> None:
    with pytest.raises(InvalidSettings) as refused:
        applied(database, with_fallbacks(*fallbacks, **fields))
    assert [problem[:2] for problem in refused.value.problems] == [(path, code)]


def test_a_gateway_that_rules_fall_back_on_cannot_be_removed(database: Database) -> None:
    applied(database, with_fallbacks("second"))
    organisation = {"organisation": {"domain": "acme.example"}}
    with pytest.raises(InvalidSettings, match="fallback of rule Standard"):
        applied(database, organisation, remove={"gateways": ["second"]})


def test_there_are_twenty_usual_countries() -> None:
    assert len(set(default_countries())) == len(default_countries()) == 20
    assert all(known_country(country) and "-" not in country for country in default_countries())


def test_a_new_rule_that_says_nothing_of_countries_is_given_the_usual_ones(database: Database) -> None:
    applied(database, with_rule())
    assert rule(database)["countries"] == dict.fromkeys(sorted(default_countries()), "allowed")


def test_a_rule_with_no_countries_allows_none(database: Database) -> None:
    applied(database, with_rule(countries={}))
    assert rule(database)["countries"] == {}


@pytest.mark.parametrize("prune", [False, True])
def test_a_file_that_says_nothing_of_countries_opens_none_of_a_rule_that_is_there(
    database: Database, prune: bool
) -> None:
    for countries in ({}, {"SG": "passcode"}):
        applied(database, with_rule(countries=countries))
        assert not applied(database, with_rule(), prune=prune).changes
        assert rule(database)["countries"] == countries


def test_ranges_apart_are_listed_by_name(database: Database) -> None:
    countries = {
        "GB": "allowed",
        "GB-PREMIUM": "passcode",
        "INTERNATIONAL-FREEPHONE": "allowed",
        "SATELLITE": "passcode",
    }
    applied(database, with_rule(countries=countries))
    assert rule(database)["countries"] == countries


@pytest.mark.parametrize("name", ["XX", "sg", "GB-CHEAP", "PREMIUM", "+1"])
def test_what_is_neither_country_nor_range_is_refused(sqlite_database: Database, name: str) -> None:
    with pytest.raises(InvalidSettings, match="GB-PREMIUM or"):
        applied(sqlite_database, with_rule(countries={name: "allowed"}))


def test_a_caller_id_plan_is_kept_and_reaches_the_decision(database: Database) -> None:
    plan = [{"country": "VN", "prefix": "9388", "caller_id": DID}, {"country": "SG", "caller_id": OTHER}]
    applied(database, with_rule(caller_id_plan=plan))

    with database.reading() as session:
        extension = SettingsReader().tenant(session, "acme.example").extension("100")

    assert extension is not None and extension.rule is not None
    assert extension.rule.caller_id_plan == (CallerIdPlanEntry("SG", "", OTHER), CallerIdPlanEntry("VN", "9388", DID))
    assert not applied(database, with_rule(caller_id_plan=plan[::-1])).changes


@pytest.mark.parametrize("number", ["+6564299999", "+6591234567"])
def test_a_caller_id_plan_presents_numbers_of_the_organisation_only(sqlite_database: Database, number: str) -> None:
    plan = [{"country": "VN", "prefix": "", "caller_id": number}]
    with pytest.raises(InvalidSettings) as refused:
        applied(sqlite_database, with_rule(caller_id_plan=plan))
    assert [(path, code) for path, code, _ in refused.value.problems] == [
        ("outbound_rules[0].caller_id_plan", "not-owned")
    ]


def test_a_number_that_a_caller_id_plan_presents_is_not_removed(sqlite_database: Database) -> None:
    applied(sqlite_database, with_rule(caller_id_plan=[{"country": "VN", "caller_id": OTHER}]))
    only: dict[str, Any] = {"organisation": {"domain": "acme.example"}}
    with pytest.raises(InvalidSettings, match="none of the organisation's numbers"):
        applied(sqlite_database, only, remove={"numbers": [OTHER]})
    applied(sqlite_database, only, remove={"outbound_rules": []})


def test_a_country_and_prefix_stand_in_a_plan_once(sqlite_database: Database) -> None:
    plan = [{"country": "VN", "prefix": "9", "caller_id": DID}, {"country": "VN", "prefix": "9", "caller_id": OTHER}]
    with pytest.raises(InvalidSettings, match="VN 9 twice"):
        applied(sqlite_database, with_rule(caller_id_plan=plan))


def entry(*starts_with: str, length: int = 8, strip: int = 0, prepend: str = "65") -> dict[str, Any]:
    return {"starts_with": list(starts_with), "length": length, "strip": strip, "prepend": prepend}


@pytest.mark.parametrize(
    ("plan", "where", "code"),
    [
        ([entry("6"), entry("6")], "[1].starts_with[0]", "unreachable"),
        ([entry("6"), entry("9", "65", prepend="84")], "[1].starts_with[1]", "unreachable"),
        ([entry("6", "9", "6")], "[0].starts_with[2]", "duplicate"),
        ([entry("6", "61")], "[0].starts_with[1]", "duplicate"),
        ([entry("001651", length=5, strip=3, prepend="6561234567")], "[0].starts_with[0]", "unreachable"),
        ([entry("6", prepend="999")], "[0].starts_with[0]", "no-number"),
        ([entry("6", prepend="6")], "[0].starts_with[0]", "no-number"),
        ([entry("6", length=9)], "[0].starts_with[0]", "no-number"),
        ([entry("06", length=9, prepend="")], "[0].starts_with[0]", "no-number"),
        ([entry("1", length=11, strip=11, prepend="656123456")], "[0].starts_with[0]", "no-number"),
        ([entry("0", length=3, strip=1, prepend="")], "[0].starts_with[0]", "no-number"),
    ],
)
def test_an_entry_of_a_dial_plan_that_comes_to_nothing_is_refused(
    sqlite_database: Database, plan: list[dict[str, Any]], where: str, code: str
) -> None:
    with pytest.raises(InvalidSettings) as refused:
        applied(sqlite_database, with_rule(dial_plan=plan))
    assert [(path, told) for path, told, _ in refused.value.problems] == [(f"outbound_rules[0].dial_plan{where}", code)]


@pytest.mark.parametrize(
    "plan",
    [
        [entry("61"), entry("6"), entry("6", length=9, strip=1)],  # the narrow one first; another length
        [entry("011", length=18, strip=3, prepend=""), entry("9011", length=19, strip=4, prepend="")],
        [entry("0", length=10, strip=1, prepend="49"), entry("00", length=14, strip=0, prepend="")],
        [entry("0995", length=4, strip=1, prepend=""), entry("9", length=4, strip=1, prepend="")],  # emergency numbers
        [entry("2", length=7, prepend="1212"), entry("18", length=4, strip=4, prepend="6561234567")],
        [entry("020", length=11, prepend="44")],  # a trunk prefix that the country has is dropped
    ],
)
def test_an_entry_that_makes_a_number_is_taken(sqlite_database: Database, plan: list[dict[str, Any]]) -> None:
    applied(sqlite_database, with_rule(dial_plan=plan))
    assert rule(sqlite_database)["dial_plan"] == plan
