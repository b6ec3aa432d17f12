"""Limits against toll fraud as settings: defaults, what a file leaves alone, and what calls see."""

from __future__ import annotations

from typing import Any

import pytest

from bizpbx.directory.database import Database
from bizpbx.directory.lookup import SettingsReader
from bizpbx.errors import InvalidSettings
from bizpbx.policy.settings import Guard
from tests.settings.samples import applied, example

ACME = "acme.example"


def guard(database: Database, key: str = "101") -> Guard:
    """What calls of an extension see."""
    with database.reading() as session:
        found = SettingsReader().tenant(session, ACME).extension(key)
    assert found is not None
    return found.guard


def set_organisation(database: Database, limits: object) -> list[str]:
    changes = applied(database, {"organisation": {"domain": ACME, "guard": limits}}).changes
    return [str(change) for change in changes]


def test_extensions_of_both_types_are_held_from_the_start(database: Database) -> None:
    applied(database, example())
    assert guard(database) == guard(database, "103") == Guard(4, 3)


def test_the_organisation_s_limits_change_one_by_one(database: Database) -> None:
    applied(database, example())
    assert set_organisation(database, {"concurrent_calls": 20}) == [
        "organisation acme.example: guard.concurrent_calls: 4 → 20"
    ]
    assert guard(database) == Guard(20, 3)
    set_organisation(database, {"new_country_calls": "off"})
    assert guard(database) == Guard(20, None)
    # A file that does not speak of them leaves them alone; null is what they were at first.
    applied(database, example())
    assert guard(database) == Guard(20, None)
    set_organisation(database, {"new_country_calls": None})
    assert guard(database) == Guard(20, 3)
    set_organisation(database, None)
    assert guard(database) == Guard(4, 3)


def test_an_extension_s_own_limits_win_each_by_itself(database: Database) -> None:
    data = example()
    data["organisation"]["guard"] = {"concurrent_calls": "off", "new_country_calls": 1}
    data["extensions"][1]["guard"] = {"concurrent_calls": 0}
    data["extensions"][3]["guard"] = {"new_country_calls": "off"}
    applied(database, data)
    assert guard(database, "100") == Guard(None, 1)
    assert guard(database, "101") == Guard(0, 1)
    assert guard(database, "103") == Guard(None, None)
    assert applied(database, data).changes == ()
    del data["extensions"][1]["guard"]
    assert [str(change) for change in applied(database, data).changes] == [
        "extension 101: guard.concurrent_calls: 0 → null"
    ]
    assert guard(database, "101") == Guard(None, 1)


@pytest.mark.parametrize("limit", [-1, 1001, True, 1.5, "4", "none", [], {}])
@pytest.mark.parametrize("of", ["organisation", "extension"])
def test_what_is_neither_a_number_nor_off_is_refused(sqlite_database: Database, of: str, limit: Any) -> None:
    data = example()
    (data["organisation"] if of == "organisation" else data["extensions"][1])["guard"] = {"concurrent_calls": limit}
    with pytest.raises(InvalidSettings) as refused:
        applied(sqlite_database, data)
    path = "organisation.guard" if of == "organisation" else "extensions[1].guard"
    assert refused.value.problems == [
        (f"{path}.concurrent_calls", "out-of-range", "must be a whole number, 0 to 1,000, or off.")
    ]
