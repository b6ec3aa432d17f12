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
    assert (row["extension"], row["lockouts"], row["wrong"]) == ("100", 1, 0)
    assert row["locked_until"] > datetime.now(UTC).isoformat()
    cleared = json.loads(bizpbx("lockout", "clear", "100", "--json", "--actor", "ann").stdout)
    assert cleared["locked_until"] == row["locked_until"]
    assert json.loads(bizpbx("lockout", "list", "--json").stdout) == []
    (change,) = json.loads(bizpbx("audit", "list", "--noun", "lockout", "--json").stdout)
    assert (change["actor"], change["name"], change["before"]) == ("ann", "100", row["locked_until"])
    bizpbx("lockout", "clear", "199", code=1)
