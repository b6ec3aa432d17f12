"""docs/settings.md says every field of the schema and every code, and its example applies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
import yaml
from pydantic import BaseModel

from bizpbx.cli.frame.patching import bare
from bizpbx.directory import not_yet
from bizpbx.directory.apply import apply
from bizpbx.directory.database import Database
from bizpbx.directory.parsing import parse
from bizpbx.directory.schema import Settings
from tests.settings.lines import with_lines
from tests.settings.samples import NOON, SECRETS
from tests.settings.test_no_answer import Voice, put

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "settings.md").read_text()


def paths(model: type[BaseModel], start: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        kind: Any = bare(field.annotation)
        path = f"{start}.{name}" if start else name
        if get_origin(kind) is list:
            kind, below = bare(get_args(kind)[0]), f"{path}[]"
        else:
            below = path
        if start:
            yield path
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from paths(kind, below)


@pytest.mark.parametrize("path", sorted(paths(Settings)))
def test_every_field_is_explained(path: str) -> None:
    assert f"| `{path}` | " in PAGE


def test_no_field_is_explained_that_is_not_there() -> None:
    assert set(re.findall(r"^\| `([a-z_]+(?:\[\])?\.[^`]+)` \|", PAGE, re.M)) == set(paths(Settings))


@pytest.mark.parametrize(
    "field", [".".join((*place, name)).replace(".*", "[]") for place, names in not_yet.FIELDS.items() for name in names]
)
def test_every_field_that_is_not_supported_is_named(field: str) -> None:
    assert f"`{field}`" in PAGE.partition("## Not supported yet")[2]


def test_every_code_is_explained() -> None:
    sources = [*(ROOT / "bizpbx" / "directory").rglob("*.py"), *(ROOT / "bizpbx" / "cli").rglob("*.py")]
    used = {code for path in sources for code in re.findall(r'"([a-z]+(?:-[a-z0-9]+)+)"', path.read_text())}
    explained = set(re.findall(r"`([a-z0-9-]+)`", PAGE.partition("## Codes")[2]))
    known = {"utf-8", "utf-8-sig", "caller-id", "espeak-ng", "virtual-line", "play-info"}
    assert used - known <= explained


def test_the_example_of_a_virtual_line_applies(sqlite_database: Database) -> None:
    page = (ROOT / "docs" / "virtual-lines.md").read_text()
    data = with_lines() | yaml.safe_load(page.partition("```yaml\n")[2].partition("```")[0])
    data["extensions"][1]["no_answer"] = {"emails": ["ann@acme.example"]}
    put(sqlite_database, data, Voice())


def test_the_example_applies(sqlite_database: Database) -> None:
    example = PAGE.partition("```yaml\n")[2].partition("```")[0]
    options: Any = {"actor": "tester", "at": NOON, "secrets": lambda: SECRETS}
    assert apply(sqlite_database, parse(example.encode()), **options).changes
