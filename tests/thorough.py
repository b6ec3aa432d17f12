"""What `pytest` alone leaves out: tests that are marked `thorough`, and most of the examples of the others.

A pytest plug-in: the conftest at the top names it in `pytest_plugins`. `--thorough` runs all of it, and so does naming
files or tests. How many tests were left out is counted on the last line.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings

LEFT_OUT = pytest.StashKey[int]()

settings.register_profile("quick", derandomize=True, deadline=None, max_examples=20)
settings.register_profile("thorough", derandomize=True, deadline=None, max_examples=100)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile("quick")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--thorough", action="store_true", help="run what takes long, too, and more examples of the rest")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "thorough: takes long; left out by `pytest` alone")
    config.addinivalue_line("markers", "alone: fills a machine; run by `make test` when all others are over")
    if hasattr(config, "workerinput"):
        config.option.thorough = config.workerinput["thorough"]
    elif config.args_source is pytest.Config.ArgsSource.ARGS:
        config.option.thorough = True
    config.stash[LEFT_OUT] = 0
    if config.option.thorough:
        settings.load_profile("thorough")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """A worker does what the one does who started it."""
    node.workerinput["thorough"] = node.config.option.thorough


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.option.thorough:
        return
    left_out = [item for item in items if item.get_closest_marker("thorough") is not None]
    config.hook.pytest_deselected(items=left_out)
    config.stash[LEFT_OUT] = len(left_out)
    items[:] = [item for item in items if item.get_closest_marker("thorough") is None]


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = session.config.stash[LEFT_OUT]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Each worker has looked at all tests."""
    node.config.stash[LEFT_OUT] = getattr(node, "workeroutput", {}).get("left_out", 0)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    left_out = config.stash.get(LEFT_OUT, 0)
    if reporter is not None and left_out:
        reporter.write_line(f"NOT RUN: {left_out} tests that take long. `pytest --thorough` runs them.", bold=True)
