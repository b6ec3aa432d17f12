"""Passcodes in the settings file, and what is remembered of wrong ones: on SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
import yaml
from argon2 import Type, extract_parameters
from argon2.exceptions import VerificationError
from sqlalchemy import select

from bizpbx.directory import passcodes
from bizpbx.directory.audit import Audit
from bizpbx.directory.database import Database
from bizpbx.directory.documents import extensions
from bizpbx.directory.export import export
from bizpbx.directory.extension import Extension
from bizpbx.directory.lookup import SettingsReader
from bizpbx.directory.parsing import parse
from bizpbx.errors import InvalidSettings
from bizpbx.policy.lockout import Lockout
from tests import hashing
from tests.settings.samples import NOON, applied, example

ACME = "acme.example"


def with_passcode(passcode: str | None) -> dict[str, Any]:
    data = example()
    data["extensions"][0]["passcode"] = passcode
    return data


def stored(database: Database) -> str | None:
    with database.reading() as session:
        return passcodes.stored_hash(session, ACME, "100")


def entered(database: Database, right: bool, minutes: float = 0) -> tuple[Lockout, Lockout]:
    with database.writing() as session:
        return passcodes.count(session, ACME, "100", right, NOON + timedelta(minutes=minutes))


def test_a_passcode_that_cannot_be_judged_is_not_taken_for_a_wrong_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class WithoutMemory:
        def verify(self, _stored: str, _digits: str) -> bool:
            raise VerificationError("Memory allocation error")

    monkeypatch.setattr(passcodes, "hasher", WithoutMemory)
    with pytest.raises(VerificationError):
        passcodes.matches("$argon2id$", "246813")


def test_a_passcode_is_kept_as_its_hash_alone(database: Database) -> None:
    applied(database, with_passcode("246813"))
    text = stored(database)
    assert text is not None
    assert text.startswith("$argon2id$")
    assert passcodes.matches(text, "246813")
    assert not passcodes.matches(text, "246814")
    with database.reading() as session:
        assert SettingsReader().tenant(session, ACME).extension("100").passcode is True  # type: ignore[union-attr]
        assert SettingsReader().tenant(session, ACME).extension("101").passcode is False  # type: ignore[union-attr]
        assert "246813" not in str(extensions(session, 1))
        assert "246813" not in str([(row.before, row.after) for row in session.scalars(select(Audit))])
        assert "246813" not in str(session.execute(select(Extension.__table__)).all())


def test_a_guess_costs_as_much_memory_as_is_recommended() -> None:
    parameters = extract_parameters(hashing.real().hash("246813"))
    assert (parameters.type, parameters.memory_cost, parameters.time_cost) == (Type.ID, 64 * 1024, 3)


def test_a_passcode_is_changed_kept_and_taken_away(sqlite_database: Database) -> None:
    applied(sqlite_database, with_passcode("2468"))
    first = stored(sqlite_database)
    assert applied(sqlite_database, with_passcode("2468")).changes == ()
    assert applied(sqlite_database, with_passcode(passcodes.STORED)).changes == ()
    assert stored(sqlite_database) == first
    changed = applied(sqlite_database, with_passcode("13579")).changes
    assert [(change.field, change.before, change.after) for change in changed] == [
        ("passcode", passcodes.STORED, "(new passcode)")
    ]
    assert passcodes.matches(stored(sqlite_database) or "", "13579")
    assert [change.field for change in applied(sqlite_database, with_passcode(None)).changes] == ["passcode"]
    assert stored(sqlite_database) is None


def test_an_export_keeps_the_passcode_and_never_shows_it(sqlite_database: Database) -> None:
    applied(sqlite_database, with_passcode("2468"))
    with sqlite_database.reading() as session:
        exported = export(session, ACME)
    assert exported["extensions"][0]["passcode"] == passcodes.STORED
    assert applied(sqlite_database, exported).changes == ()
    assert stored(sqlite_database)


@pytest.mark.parametrize("passcode", ["123", "123456789", "12a4", "١٢٣٤", "", " 1234", "12-34", "secret"])
def test_what_is_no_passcode_is_refused_and_not_repeated(passcode: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        parse(yaml.safe_dump(with_passcode(passcode)).encode())
    ((path, code, sentence),) = refused.value.problems
    assert (path, code) == ("extensions[0].passcode", "invalid-text")
    assert not passcode.strip() or passcode.strip() not in sentence


def test_what_is_not_stored_cannot_be_kept(sqlite_database: Database) -> None:
    with pytest.raises(InvalidSettings) as refused:
        applied(sqlite_database, with_passcode(passcodes.STORED))
    assert refused.value.problems[0][1] == "no-stored-passcode"


def test_an_organisation_can_refuse_extensions_without_one(sqlite_database: Database) -> None:
    def refuses() -> bool:
        with sqlite_database.reading() as session:
            return SettingsReader().tenant(session, ACME).organisation.refuse_without_passcode

    data = example()
    applied(sqlite_database, data)
    assert not refuses()
    data["organisation"]["refuse_without_passcode"] = True
    assert [change.field for change in applied(sqlite_database, data).changes] == ["refuse_without_passcode"]
    assert refuses()


def test_wrong_ones_are_remembered_and_the_fifth_locks(database: Database) -> None:
    applied(database, with_passcode("2468"))
    for minute in range(4):
        assert not entered(database, False, minute)[1].locked_until
    before, after = entered(database, False, 4)
    assert len(before.wrong) == 4
    assert after.locked_until == NOON + timedelta(minutes=19)
    # Locked, the right one is refused: the state before it says so.
    assert entered(database, True, 5)[0].locked(NOON + timedelta(minutes=5))
    assert not entered(database, True, 20)[0].locked(NOON + timedelta(minutes=20))
    with database.reading() as session:
        assert passcodes.lockout(session, ACME, "100").lockouts == 0
        assert passcodes.lockout(session, ACME, "101") == Lockout()


def test_calls_at_the_same_moment_do_not_get_more_than_five_guesses(database: Database) -> None:
    applied(database, with_passcode("2468"))
    taken: list[bool] = []
    start = threading.Barrier(12)

    def guess() -> None:
        start.wait()
        before, _ = entered(database, False)
        taken.append(not before.locked(NOON))

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(taken), sum(taken)) == (12, 5)


def test_what_is_remembered_is_listed_and_cleared(database: Database) -> None:
    applied(database, with_passcode("2468"))
    for _ in range(5):
        entered(database, False)
    with database.reading() as session:
        (found,) = passcodes.remembered(session, 1, NOON)
        assert (found.key, found.state.lockouts) == ("100", 1)
        assert passcodes.remembered(session, 1, NOON + timedelta(days=2)) == []
    with database.writing() as session:
        assert passcodes.clear(session, 1, "100") == found.state
        assert passcodes.clear(session, 1, "199") is None
    assert entered(database, False)[0] == Lockout()


def test_an_extension_that_is_removed_takes_what_is_remembered_along(sqlite_database: Database) -> None:
    applied(sqlite_database, with_passcode("2468"))
    entered(sqlite_database, False)
    data = example()
    data["numbers"], data["organisation"]["main_number"] = [], None
    data["extensions"] = [{"key": "102", "label": "Support"}]
    applied(sqlite_database, data, prune=True)
    assert entered(sqlite_database, False) == (Lockout(), Lockout())
