"""docs/cli.md is what the commands say, and they say something of each of their options."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bizpbx.cli import COMMANDS
from bizpbx.cli.frame import calls
from bizpbx.cli.frame.root import load
from bizpbx.cli.reference import reference
from bizpbx.metering.call_record import CallLeg

NAMES = [name for names in COMMANDS.values() for name in names]


def below(name: str) -> Iterator[tuple[str, Any]]:
    command: Any = load(name)
    yield name, command
    for word, one in getattr(command, "commands", {}).items():
        yield f"{name} {word}", one


def test_the_reference_is_up_to_date() -> None:
    written = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
    assert written == reference(), "run: python -m bizpbx.cli.reference > docs/cli.md"


def test_every_field_of_a_call_is_told() -> None:
    rows = reference().partition("| `call list`")[2]
    listed, _, shown = rows.partition("| `guard list`")[0].partition("| `call show`")
    assert [field for field in calls.FIELDS if f"`{field}`" not in listed] == []
    leg = calls.leg_described(CallLeg(), ZoneInfo("UTC"))
    assert [field for field in leg if f"`{field}`" not in shown] == []


@pytest.mark.parametrize("name", NAMES)
def test_everything_has_a_help_text(name: str) -> None:
    for call, command in below(name):
        assert command.help, call
        for parameter in command.params:
            assert parameter.name == "help" or getattr(parameter, "help", None), f"{call}: {parameter.name}"


@pytest.mark.parametrize("name", NAMES)
def test_a_file_says_what_its_command_is(name: str) -> None:
    module = __import__(f"bizpbx.cli.{name.replace('-', '_')}", fromlist=["__doc__"])
    assert (module.__doc__ or "").startswith(f"`bizpbx {name}`: ")
