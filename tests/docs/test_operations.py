"""docs/operations.md promises what tests show, and names what the log really says."""

from __future__ import annotations

import re

import pytest

from tests.controller.test_call_handler import Session, handled
from tests.docs.pages import TOP

PAGE = (TOP / "docs/operations.md").read_text("utf-8")
SOURCE = "\n".join(path.read_text("utf-8") for path in (TOP / "bizpbx").rglob("*.py"))
ADDED_BY_STRUCTLOG = {"timestamp", "level", "call"}


def rows(heading: str) -> set[str]:
    """The names in the first column of the table under this line."""
    table = PAGE.partition(heading)[2].partition("\n\n")[2].partition("\n\n")[0]
    return {name for line in table.splitlines()[2:] for name in re.findall(r"`([^`]+)`", line.split(" | ")[0])}


def test_every_test_that_is_named_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)
    assert len(named) > 8
    for file, name in named:
        assert f"def {name}" in (TOP / file).read_text("utf-8"), f"{file}::{name}"


def test_the_fields_of_a_call_s_line_are_those_that_are_logged() -> None:
    (line,) = handled(Session())
    assert rows("one line with the event `call`") == set(line) - {"event", "log_level"} | ADDED_BY_STRUCTLOG


@pytest.mark.parametrize("event", sorted(rows("Other events:")))
def test_a_documented_event_is_logged_somewhere(event: str) -> None:
    assert f'"{event}"' in SOURCE


def test_the_limits_that_are_told_are_the_real_ones() -> None:
    from bizpbx.controller import daemon, queries

    assert f"Beyond {daemon.MOST_CALLS:,} calls" in PAGE
    assert f"under way within\n{daemon.DRAIN:g} s" in PAGE
    assert f"wait {queries.LONGEST:g} s, then" in PAGE
