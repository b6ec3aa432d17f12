"""docs/calls.md tells what the policy does."""

import re
from pathlib import Path

import pytest

from bizpbx.policy.country import APART, GLOBAL
from bizpbx.policy.explain import to_lines
from bizpbx.policy.plan import Cause
from bizpbx.policy.rules import Rule
from bizpbx.policy.settings import Extension
from tests.policy.tenant import extension, forwarding, from_outside, tenant

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "calls.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """The text under a heading."""
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    """The cells of the table under a heading."""
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in section(title).splitlines() if "| " in line
    ]


def test_every_rule_has_a_sentence_and_every_sentence_a_rule() -> None:
    codes = {row[0].strip("`"): row[1] for row in rows("Rule codes")[1:]}

    assert set(codes) == {str(rule) for rule in Rule}
    assert all(sentence.endswith(".") for sentence in codes.values())


def test_every_code_that_is_written_anywhere_is_a_rule() -> None:
    written = {
        code
        for file in (ROOT / "bizpbx").rglob("*.py")
        for code in re.findall(r"Reason\(\s*(?:rule=)?\"([^\"]*)\"", file.read_text(encoding="utf-8"))
    }

    assert written <= {str(rule) for rule in Rule}


def test_every_cause_has_its_sip_code() -> None:
    causes = {row[0].strip("`"): row[1] for row in rows("Hang-up causes")[1:]}

    assert set(causes) == {str(cause) for cause in Cause}
    assert all(re.fullmatch(r"[3-6]\d\d", code) for code in causes.values())


@pytest.mark.parametrize("name", sorted({*APART.values(), *GLOBAL.values()}))
def test_every_range_apart_is_named(name: str) -> None:
    assert name in section("Numbers and countries")


@pytest.mark.parametrize("code", GLOBAL)
def test_every_global_code_is_named(code: int) -> None:
    assert f"+{code}" in section("Numbers and countries")


def test_the_explained_plan_is_the_one_that_is_made() -> None:
    targets = ("101", "102", "103")
    reception = Extension("100", "Reception", forwarding=forwarding(*targets))
    acme = tenant(reception, *(extension(key) for key in targets))

    assert "\n".join(to_lines(from_outside(acme, "+6591112222"))) in section("The worked example")
