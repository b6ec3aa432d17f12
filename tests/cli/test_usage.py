"""`bizpbx usage`: what was used of a month, beside what may be."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from pathlib import Path

import pytest
from lxml import etree

from bizpbx.cli.frame.usage import FIELDS
from bizpbx.directory.database import Database
from bizpbx.metering.usage import UsageMonth
from tests.cli.conftest import Homes
from tests.cli.test_commands import Run, bizpbx
from tests.settings.samples import example

__all__ = ["bizpbx"]

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def used(bizpbx: Run, tmp_path: Path, homes: Homes) -> Run:
    data = example()
    data["extensions"][0]["label"] = "=1+1 <Ann>"
    data["extensions"][0]["usage_limit"] = {"kind": "minutes", "value": "10"}
    data["extensions"][1]["usage_limit"] = {"kind": "amount", "value": "2.50"}
    homes(bizpbx, data)
    database = Database(f"sqlite:///{tmp_path / 'home' / 'bizpbx.db'}")
    with database.writing() as session:
        for key, seconds, amount, held in (("100", 450, "15", 60), ("101", 3725, "251.25", 0), ("999", 5, "0", 0)):
            session.add(
                UsageMonth(
                    organisation_id=1,
                    extension=key,
                    month="2026-05",
                    used_seconds=seconds,
                    used_amount=Decimal(amount),
                    reserved_seconds=held,
                    reserved_amount=Decimal(0),
                )
            )
    database.close()
    return bizpbx


def test_a_month_is_shown_with_its_bars(used: Run) -> None:
    rows = {row["extension"]: row for row in json.loads(used("usage", "show", "--month", "2026-05", "--json").stdout)}
    assert all(tuple(row) == FIELDS for row in rows.values())
    assert (rows["100"]["used_seconds"], rows["100"]["share"], rows["100"]["limit_value"]) == (450, 0.75, "10")
    assert (rows["101"]["used_amount"], rows["101"]["share"], rows["101"]["limit_value"]) == ("2.5125", 1.005, "2.50")
    # Calls on record, and no extension any more.
    assert (rows["999"]["label"], rows["999"]["share"]) == (None, None)
    text = used("usage", "show", "100", "--month", "2026-05").stdout
    assert "7:30" in text and f"{'█' * 15}{'░' * 2}{'·' * 3} 75 %" in text


def test_another_month_begins_with_nothing(used: Run) -> None:
    rows = json.loads(used("usage", "show", "--month", "2026-06", "--json").stdout)
    assert {row["used_seconds"] for row in rows} == {0}
    assert "999" not in {row["extension"] for row in rows}
    for wrong in (("--month", "2026-13"), ("100x",), ("777",)):
        used("usage", "show", *wrong, code=1)


def test_a_report_is_a_table_or_a_picture(used: Run, tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(used("usage", "report", "--month", "2026-05").stdout)))
    assert {row["label"] for row in rows if row["extension"] == "100"} == {"'=1+1 <Ann>"}
    used("usage", "report", "--month", "2026-05", "--format", "svg", "--output", str(tmp_path / "may.svg"))
    picture = etree.fromstring((tmp_path / "may.svg").read_bytes())
    words = [text.text for text in picture.iter(f"{SVG}text")]
    assert "100 =1+1 <Ann>" in words and "7:30 of 10 min" in words and "2.5125 SGD of 2.50 SGD" in words
    assert not list(picture.iter(f"{SVG}script"))
