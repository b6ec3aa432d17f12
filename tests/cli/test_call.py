"""`bizpbx call`: what is on record, as people and programs ask for it."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bizpbx.cli.frame.calls import FIELDS
from bizpbx.directory.database import Database
from bizpbx.freeswitch import records
from bizpbx.metering.ingest import ingest
from tests.cli.conftest import Homes
from tests.cli.test_commands import Run, bizpbx
from tests.records import samples
from tests.settings.samples import example

__all__ = ["bizpbx"]

LEGS = (
    samples.calling("internal"),
    samples.called("internal-b", "internal"),
    samples.from_gateway("incoming", "=HYPERLINK(1)", answered=None, hangup_cause="USER_BUSY"),
    samples.calling("outgoing", bizpbx_dialled="61234567", bizpbx_callee="", bizpbx_rule="dial-plan", ended=72.0),
    samples.to_gateway("outgoing-b", "outgoing", ended=72.0),
    samples.called("outgoing-c", "outgoing", ended=9.0, answered=5.0, bizpbx_consulted_by="101"),
)


@pytest.fixture
def recorded(bizpbx: Run, tmp_path: Path, homes: Homes) -> Run:
    homes(bizpbx, example())
    database = Database(f"sqlite:///{tmp_path / 'home' / 'bizpbx.db'}")
    with database.writing() as session:
        ingest(session, [records.from_file(samples.file(leg)) for leg in LEGS], datetime.now(UTC))
    database.close()
    return bizpbx


FILTERS = (
    ((), {"internal", "incoming", "outgoing"}),
    (("--direction", "outgoing", "--from", "101"), {"outgoing"}),
    (("--to", "+65612*"), {"outgoing"}),
    (("--to", "61234567", "--min-talked", "60"), {"outgoing"}),
    # Nothing that a database takes for a pattern.
    (("--to", "%%"), set()),
    (("--extension", "102"), {"internal"}),
    (("--cause", "user_busy", "--unanswered"), {"incoming"}),
    # 09:46:40 in Singapore, where it is the 1st of May; 01:46:40 in UTC.
    (("--since", "2026-05-01", "--until", "2026-05-01"), {"internal", "incoming", "outgoing"}),
    (("--since", "2026-05-01T09:46:41"), set()),
    (("--until", "2026-04-30"), set()),
    (("--since", "2026-05-01T01:46:40+00:00"), {"internal", "incoming", "outgoing"}),
)


def test_calls_are_filtered(recorded: Run) -> None:
    for filters, found in FILTERS:
        rows = json.loads(recorded("call", "list", "--json", *filters).stdout)
        assert {row["call"] for row in rows} == found, filters


def test_a_filter_that_is_none_is_refused(recorded: Run) -> None:
    for wrong in (("--from", "1;DROP"), ("--since", "yesterday"), ("--cause", "a'b"), ("--extension", "x")):
        assert recorded("call", "list", *wrong, code=1).stdout == ""


def test_a_list_goes_on_where_the_last_one_ended(recorded: Run) -> None:
    seen: list[int] = []
    for _ in range(3):
        more = ("--before", str(seen[-1])) if seen else ()
        seen += [row["id"] for row in json.loads(recorded("call", "list", "--limit", "1", "--json", *more).stdout)]
    assert len(set(seen)) == 3
    assert json.loads(recorded("call", "list", "--before", str(seen[-1]), "--json").stdout) == []


def test_the_fields_are_those_of_the_page(recorded: Run) -> None:
    rows = json.loads(recorded("call", "list", "--json").stdout)
    assert all(tuple(row) == FIELDS for row in rows)
    (row,) = (row for row in rows if row["call"] == "outgoing")
    assert (row["started"], row["from"], row["to"]) == ("2026-05-01T09:46:40+08:00", "101", "+6561234567")
    assert (row["rang"], row["talked"], row["cost"], row["currency"]) == (2, 70, None, "SGD")


def test_one_call_is_shown_with_its_legs(recorded: Run) -> None:
    shown = recorded("call", "show", "outgoing").stdout
    assert "0.000  101-ip_phone" in shown and "carrier.acme.example/+6561234567" in shown
    legs = json.loads(recorded("call", "show", "outgoing", "--json").stdout)["legs"]
    assert [(leg["leg"], leg["consulted"]) for leg in legs] == [
        ("outgoing", False),
        ("outgoing-b", False),
        ("outgoing-c", True),
    ]
    assert "102-ip_phone                      is asked by 101" in shown
    recorded("call", "show", "nothing", code=1)


def test_a_formula_in_csv_is_a_text(recorded: Run) -> None:
    text = recorded("call", "export").stdout
    rows = {row["call"]: row for row in csv.DictReader(io.StringIO(text))}
    assert set(rows) == {"internal", "incoming", "outgoing"}
    assert rows["outgoing"]["to"] == "+6561234567"
    # What nobody can dial was not kept in the first place.
    assert rows["incoming"]["from"] == "?HYPERLINK?1?"
    assert not any(value.startswith(("=", "@", "-")) for row in rows.values() for value in row.values())


def test_an_export_in_json_has_a_call_a_line(recorded: Run) -> None:
    lines = recorded("call", "export", "--format", "json", "--from", "101").stdout.splitlines()
    assert {json.loads(line)["call"] for line in lines} == {"internal", "outgoing"}
