"""Every command line in README and docs is one that the program takes, and every link leads somewhere."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bizpbx.cli import COMMANDS
from bizpbx.cli.frame.root import load
from tests.docs.pages import PAGES, TOP

NAMES = {name for names in COMMANDS.values() for name in names}
CODE = re.compile(r"```.*?^(.*?)^```|(?<!`)`([^`\n]+)`", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"(?:^|[|;(\s])bizpbx ([a-z][a-z-]*(?: [^|;>\n]*)?)")
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)")


def command_lines(page: Path) -> Iterator[str]:
    text = page.read_text("utf-8").replace("\\\n", " ")
    for match in CODE.finditer(text):
        for line in (match[1] or match[2]).splitlines():
            yield from (found.partition("  ")[0].strip() for found in COMMAND.findall(line.partition(" # ")[0]))


LINES = sorted({(page.name, line) for page in PAGES for line in command_lines(page)})


def test_there_are_command_lines_to_check() -> None:
    assert len(LINES) > 20
    assert {line.split()[0] for _, line in LINES} >= {"init", "apply", "render", "serve", "doctor", "explain"}


@pytest.mark.parametrize(("page", "line"), LINES)
def test_a_documented_command_line_is_one_of_the_program(page: str, line: str) -> None:
    words = shlex.split(line.replace("…", ""))
    assert words[0] in NAMES, f"{page}: there is no command {words[0]}"
    command: Any = load(words.pop(0))
    below = getattr(command, "commands", None)
    if below is not None and words and not words[0].isupper():
        assert words[0] in below, f"{page}: {line}"
        command = below[words.pop(0)]
    known = {option for one in command.params for option in one.opts}
    given = {word.strip("[]").partition("=")[0] for word in words if word.startswith(("--", "[--"))}
    assert given <= known | {"--help"}, f"{page}: {line}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    missing = [link for link in LINK.findall(page.read_text("utf-8")) if not (page.parent / link).exists()]
    assert missing == []


def test_the_readme_leads_to_every_page() -> None:
    readme = (TOP / "README.md").read_text("utf-8")
    assert [page.name for page in PAGES[1:] if f"docs/{page.name}" not in readme] == []
