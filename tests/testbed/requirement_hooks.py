"""Tests that need a program this machine may not have: skipped, counted out loud, or failed if BIZPBX_REQUIRE says so.

A pytest plug-in: the conftest at the top names it in `pytest_plugins`. A marker of REQUIREMENTS is all a test needs.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from bizpbx.testbed.requirements import path_of, which_switch
from tests.postgres import programs

REQUIREMENTS: dict[str, Callable[[], str]] = {
    "freeswitch": lambda: which_switch().missing,
    "asterisk": lambda: "" if path_of("asterisk") else "asterisk is not on PATH; install Asterisk 20 or later.",
    "postgres": lambda: "" if programs() else "PostgreSQL is not installed.",
}
"""Marker to a function that returns what is missing, as a sentence; an empty one means that the test can run."""


def required() -> set[str]:
    """Markers whose tests may not be skipped: BIZPBX_REQUIRE=freeswitch,postgres."""
    return {name.strip() for name in os.environ.get("BIZPBX_REQUIRE", "").split(",")} - {""}


def pytest_configure() -> None:
    """A name that nothing is marked with would ask for nothing, in silence."""
    unknown = sorted(required() - REQUIREMENTS.keys())
    if unknown:
        raise pytest.UsageError(f"BIZPBX_REQUIRE names {', '.join(unknown)}; it knows {', '.join(REQUIREMENTS)}.")


def check(name: str) -> None:
    """Skip the running test, or fail it, if what this marker stands for is missing."""
    missing = REQUIREMENTS[name]()
    if not missing:
        return
    if name in required():
        pytest.fail(f"BIZPBX_REQUIRE asks for {name}: {missing}", pytrace=False)
    pytest.skip(f"needs {name}: {missing}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before any fixture is made."""
    for name in REQUIREMENTS:
        if item.get_closest_marker(name) is not None:
            check(name)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """On the last lines of all: what was not run, and why."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return
    reasons = [str(report.longrepr[2]) for report in reporter.stats.get("skipped", ()) if report.longrepr]
    for name, missing in REQUIREMENTS.items():
        skipped = sum(f"needs {name}: " in reason for reason in reasons)
        if skipped:
            reporter.write_line(f"NOT RUN: {skipped} tests that need {name}. {missing()}", yellow=True, bold=True)
