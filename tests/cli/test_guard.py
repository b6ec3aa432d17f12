"""`bizpbx guard`: what was refused, seen, and a country let through."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import yaml
from sqlalchemy import select

from bizpbx.directory.database import Database
from bizpbx.directory.organisation import Organisation
from bizpbx.metering.guard import MEMORY
from bizpbx.metering.taking import take
from bizpbx.metering.terms import Denied, Draw, Granted, Terms
from bizpbx.policy.settings import Guard
from tests.cli.conftest import Homes
from tests.cli.test_commands import Run, bizpbx
from tests.settings.samples import example

__all__ = ["bizpbx"]


def dial(home: Path, leg: str) -> Granted | Denied:
    """101 calls Viet Nam, where new countries are let through by an admin only."""
    database = Database(f"sqlite:///{home / 'bizpbx.db'}")
    with database.writing() as session:
        acme = session.execute(select(Organisation.id).where(Organisation.domain == "acme.example")).scalar_one()
        draw = Draw(acme, "fs1", leg, leg, "101", "+84937712345", "VN", "carrier.acme.example")
        answer = take(session, draw, Terms("UTC", None, guard=Guard(4, 0), home="SG"), datetime.now(UTC))
    database.close()
    return answer


def test_what_was_refused_is_listed_and_let_through_and_on_record(bizpbx: Run, tmp_path: Path, homes: Homes) -> None:
    homes(bizpbx, example())
    assert json.loads(bizpbx("guard", "list", "--json").stdout) == []
    assert [isinstance(dial(tmp_path / "home", leg), Denied) for leg in "ab"] == [True, True]

    (row,) = json.loads(bizpbx("guard", "list", "--json").stdout)
    assert (row["extension"], row["country"], row["number"]) == ("101", "VN", "+84937712345")
    assert (row["reason"], row["times"], row["allowed_until"]) == ("too-many-new-countries", 2, None)
    # In the time of the organisation.
    assert row["first"] <= row["last"]
    assert row["last"].endswith("+08:00")
    assert "too-many-new-countries" in bizpbx("guard", "list").stdout

    told = bizpbx("guard", "allow", "101", "VN", "--actor", "ann").stdout
    (row,) = json.loads(bizpbx("guard", "list", "--json").stdout)
    assert told == f"VN is not new to 101 until {row['allowed_until']}.\n"
    assert MEMORY.days - 1 < (datetime.fromisoformat(row["allowed_until"]) - datetime.now(UTC)).days + 1 <= MEMORY.days
    assert isinstance(dial(tmp_path / "home", "c"), Granted)
    again = json.loads(bizpbx("guard", "allow", "101", "VN", "--json", "--actor", "ben").stdout)
    assert again["allowed_until"] >= row["allowed_until"]

    changes = json.loads(bizpbx("audit", "list", "--noun", "guard", "--json").stdout)
    assert sorted((change["actor"], change["name"], change["field"], change["before"]) for change in changes) == [
        ("ann", "101", "VN.allowed_until", None),
        ("ben", "101", "VN.allowed_until", row["allowed_until"]),
    ]


def allowed(bizpbx: Run) -> list[tuple[str, str]]:
    return [(row["extension"], row["country"]) for row in json.loads(bizpbx("guard", "allowed", "--json").stdout)]


def test_what_was_let_through_is_listed_and_taken_back_and_on_record(bizpbx: Run, tmp_path: Path, homes: Homes) -> None:
    homes(bizpbx, example())
    for country in ("VN", "SATELLITE"):
        bizpbx("guard", "allow", "101", country)
    assert allowed(bizpbx) == [("101", "SATELLITE"), ("101", "VN")]
    (until, *_) = [row["allowed_until"] for row in json.loads(bizpbx("guard", "allowed", "--json").stdout)]
    assert until.endswith("+08:00") and until in bizpbx("guard", "allowed").stdout

    assert bizpbx("guard", "revoke", "101", "VN", "--actor", "ann").stdout.startswith("VN is new to 101 again")
    assert allowed(bizpbx) == [("101", "SATELLITE")]
    assert isinstance(dial(tmp_path / "home", "a"), Denied)
    assert "[not-found]" in bizpbx("guard", "revoke", "101", "VN", code=1).stderr
    changes = json.loads(bizpbx("audit", "list", "--noun", "guard", "--json").stdout)
    (change,) = [each for each in changes if each["actor"] == "ann"]
    assert (change["field"], change["after"]) == ("VN.allowed_until", None)


def test_who_gets_the_key_next_is_let_through_nothing(bizpbx: Run, homes: Homes) -> None:
    homes(bizpbx, example())
    bizpbx("extension", "add", "150", "label=Guest")
    bizpbx("guard", "allow", "150", "VN")
    bizpbx("guard", "allow", "101", "VN")
    bizpbx("extension", "remove", "150")
    bizpbx("extension", "add", "150", "label=Other")
    assert allowed(bizpbx) == [("101", "VN")]


def test_what_cannot_be_let_through_is_told(bizpbx: Run, homes: Homes) -> None:
    homes(bizpbx, example())
    assert "[not-found]" in bizpbx("guard", "allow", "199", "VN", code=1).stderr
    assert bizpbx("guard", "allow", "101", "XX", code=1).stderr.startswith("COUNTRY: must be")
    assert "home country" in bizpbx("guard", "allow", "101", "SG", code=1).stderr
    bizpbx("guard", "allow", "101", "SG-PREMIUM")


def test_limits_are_set_shown_and_exported(bizpbx: Run, homes: Homes) -> None:
    homes(bizpbx, example())
    bizpbx("organisation", "set", "guard.new_country_calls=off")
    shown = bizpbx("organisation", "show").stdout
    assert "guard.concurrent_calls = 4\n" in shown
    assert "guard.new_country_calls = off\n" in shown
    bizpbx("extension", "set", "101", "guard.concurrent_calls=20")
    assert "guard.concurrent_calls = 20\n" in bizpbx("extension", "show", "101").stdout
    exported = yaml.safe_load(bizpbx("export").stdout)
    assert exported["organisation"]["guard"]["concurrent_calls"] == 4
    assert exported["extensions"][1]["guard"] == {"concurrent_calls": 20, "new_country_calls": None}
    bizpbx("extension", "set", "101", "guard.concurrent_calls=null")
    assert "guard.concurrent_calls = null\n" in bizpbx("extension", "show", "101").stdout
    refused = bizpbx("extension", "set", "101", "guard.concurrent_calls=lots", code=1).stderr
    assert refused == "guard.concurrent_calls: must be a whole number, 0 to 1,000, or off. [out-of-range]\n"
