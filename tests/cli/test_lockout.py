"""`bizpbx lockout`: what wrong passcodes left behind, seen and cleared."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import yaml

from bizpbx.directory import passcodes
from bizpbx.directory.database import Database
from tests.cli.test_commands import Run, bizpbx
from tests.settings.samples import example

__all__ = ["bizpbx"]


def test_a_lock_is_listed_cleared_and_on_record(bizpbx: Run, tmp_path: Path) -> None:
    data = example()
    data["extensions"][0]["passcode"] = "2468"
    (tmp_path / "acme.yaml").write_text(yaml.safe_dump(data))
    bizpbx("init")
    assert "2468" not in bizpbx("apply", "acme.yaml").stdout
    assert json.loads(bizpbx("lockout", "list", "--json").stdout) == []
    assert "was not locked" in bizpbx("lockout", "clear", "100").stdout

    database = Database(f"sqlite:///{tmp_path / 'home' / 'bizpbx.db'}")
    for _ in range(5):
        with database.writing() as session:
            passcodes.count(session, "acme.example", "100", False, datetime.now(UTC))
    database.close()

    (row,) = json.loads(bizpbx("lockout", "list", "--json").stdout)
    assert (row["extension"], row["of"], row["lockouts"], row["wrong"]) == ("100", "passcode", 1, 0)
    assert row["locked_until"] > datetime.now(UTC).isoformat()
    cleared = json.loads(bizpbx("lockout", "clear", "100", "--json", "--actor", "ann").stdout)
    assert cleared["locked_until"] == row["locked_until"]
    assert json.loads(bizpbx("lockout", "list", "--json").stdout) == []
    (change,) = json.loads(bizpbx("audit", "list", "--noun", "lockout", "--json").stdout)
    assert (change["actor"], change["name"], change["before"]) == ("ann", "100", row["locked_until"])
    bizpbx("lockout", "clear", "199", code=1)


def test_the_pin_of_a_mailbox_has_a_lock_of_its_own(bizpbx: Run, tmp_path: Path) -> None:
    data = example()
    data["extensions"][0]["no_answer"] = {"pin": "2468"}
    (tmp_path / "acme.yaml").write_text(yaml.safe_dump(data))
    bizpbx("init")
    assert "2468" not in bizpbx("apply", "acme.yaml").stdout
    assert "2468" not in bizpbx("export").stdout
    database = Database(f"sqlite:///{tmp_path / 'home' / 'bizpbx.db'}")
    for secret, times in ((passcodes.PIN, 5), (passcodes.PASSCODE, 2)):
        for _ in range(times):
            with database.writing() as session:
                passcodes.count(session, "acme.example", "100", False, datetime.now(UTC), secret)
    database.close()

    rows = json.loads(bizpbx("lockout", "list", "--json").stdout)
    assert [(row["of"], row["wrong"], row["locked_until"] is None) for row in rows] == [
        ("passcode", 2, True),
        ("pin", 0, False),
    ]
    assert bizpbx("lockout", "clear", "100", "--of", "pin").stdout == "The PIN of 100 is not locked any more.\n"
    assert [row["of"] for row in json.loads(bizpbx("lockout", "list", "--json").stdout)] == ["passcode"]
    (change,) = json.loads(bizpbx("audit", "list", "--noun", "lockout", "--json").stdout)
    assert (change["field"], change["after"]) == ("pin.locked_until", None)
