"""docs/configuration.md and bizpbx/config.py say the same, and no page names a variable that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bizpbx.config import Config
from bizpbx.controller.doctor import COMMAND_LINE_VARIABLES
from tests.docs.pages import PAGES, TOP

ROW = re.compile(r"^\| `(BIZPBX_[A-Z0-9_]+)` \| (.*?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
ROWS = {
    row[0]: [cell.replace("\\|", "|") for cell in row[1:]]
    for row in ROW.findall((TOP / "docs/configuration.md").read_text("utf-8"))
}
FIELDS = {f"BIZPBX_{name.upper()}": field for name, field in Config.model_fields.items()}
FOR_TESTS = {"BIZPBX_DIE_AT", "BIZPBX_TESTING", "BIZPBX_REQUIRE"}


def test_every_variable_is_documented_and_every_documented_one_exists() -> None:
    assert set(ROWS) == {*FIELDS, *COMMAND_LINE_VARIABLES}


@pytest.mark.parametrize("name", FIELDS)
def test_the_documented_default_is_the_real_one(name: str) -> None:
    default = FIELDS[name].default
    assert ROWS[name][0] == (f"`{default}`" if default not in (None, "") else "–")


@pytest.mark.parametrize("name", FIELDS)
def test_the_example_is_a_value_that_is_taken(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    example = re.fullmatch(r"`([^`]+)`", ROWS[name][2])
    assert example, f"{name} has no example"
    monkeypatch.setenv(name, example[1])
    assert str(getattr(Config(), name.removeprefix("BIZPBX_").lower())) == example[1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_names_a_variable_that_is_not_there(page: Path) -> None:
    named = set(re.findall(r"BIZPBX_[A-Z0-9_]*[A-Z0-9]", page.read_text("utf-8")))
    assert named <= {*ROWS, *FOR_TESTS}
