"""Changes at the same moment: one licence goes to one device, one number to one organisation, no change is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from sqlalchemy import func, select

from bizpbx.directory.database import Database
from bizpbx.directory.export import export
from bizpbx.directory.tables import Audit, Licence, Organisation
from bizpbx.errors import InvalidSettings, NoFreeLicence, Refused
from tests.both_databases import database
from tests.settings.samples import applied, example

__all__ = ["database"]


def race(database: Database, files: list[dict[str, Any]]) -> list[str]:
    """Apply all at once; the codes of the refusals, `done` for the others."""
    start = Barrier(len(files))

    def one(file: dict[str, Any]) -> str:
        start.wait()
        try:
            applied(database, file)
        except (NoFreeLicence, InvalidSettings, Refused) as refused:
            return refused.code
        return "done"

    with ThreadPoolExecutor(len(files)) as pool:
        return sorted(pool.map(one, files))


def test_two_devices_cannot_take_one_licence(database: Database) -> None:
    base = example() | {"licences": {"ip_phone": 4, "mobile": 3}}
    applied(database, base)
    files: list[dict[str, Any]] = [
        {
            "organisation": {"domain": "acme.example"},
            "extensions": [{"key": str(key), "label": "Racer", "devices": {"mobile": {}}}],
        }
        for key in range(200, 206)
    ]
    # Given two free mobile licences, when six devices are activated together,
    assert race(database, files) == ["done"] * 2 + ["no-free-licence"] * 4
    # then two hold them, and the others were not added at all.
    with database.reading() as session:
        assert session.scalar(select(func.count()).where(Licence.kind == "mobile", Licence.device_id.is_(None))) == 0
        assert len(export(session, "acme.example")["extensions"]) == 6


def test_concurrent_changes_are_all_kept(database: Database) -> None:
    before = applied(database, example()).version
    files: list[dict[str, Any]] = [
        {"organisation": {"domain": "acme.example"}, "extensions": [{"key": str(key), "label": "New"}]}
        for key in range(200, 208)
    ]
    assert race(database, files) == ["done"] * 8
    with database.reading() as session:
        assert session.scalar(select(Organisation.version)) == before + 8
        assert session.scalar(select(func.count(Audit.version.distinct()))) == 9


def test_one_number_goes_to_one_organisation(database: Database) -> None:
    outcome = race(database, [example(), example("other.example"), example("third.example")])
    assert outcome.count("done") == 1
    assert set(outcome) <= {"done", "invalid-settings", "refused"}
