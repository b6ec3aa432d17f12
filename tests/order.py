"""Calls mostly wait, all other tests mostly compute. Half of the workers begin with the ones and half with the others:
both cores are busy, and no row of tests that wait is left for the end.

A pytest plug-in: the conftest at the top names it in `pytest_plugins`. With `--dist worksteal` each worker begins with
a row of the tests; these are the rows.
"""

from __future__ import annotations

import os

import pytest

CALLS = "tests/scenarios/"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if workers < 2:
        return
    calls = [item for item in items if waits(item)]
    others = [item for item in items if not waits(item)]
    rows: list[pytest.Item] = []
    for worker in range(workers):
        parts = [share(calls, worker, workers), share(others, worker, workers)]
        for part in parts if worker % 2 == 0 else reversed(parts):
            rows += part
    items[:] = rows


def waits(item: pytest.Item) -> bool:
    return item.nodeid.startswith(CALLS) or item.get_closest_marker("freeswitch") is not None


def share(items: list[pytest.Item], worker: int, workers: int) -> list[pytest.Item]:
    """In a row: what tests of one file need is made once."""
    return items[len(items) * worker // workers : len(items) * (worker + 1) // workers]
