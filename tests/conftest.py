"""For all tests: what needs a program that is missing here is skipped and counted on the last lines; databases; and
examples that are the same in every run."""

import gc
import os
import sys
from collections.abc import Iterator

import pytest

from bizpbx.testbed.prefork import Prefork

pytest_plugins = [
    "tests.thorough",
    "tests.order",
    "tests.postgres",
    "tests.databases",
    "tests.hashing",
    "tests.testbed.requirement_hooks",
]

# Container images often switch this off. Then each worker and each program of a test compiles all of it anew.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


# Tests and their modules stay to the end: looking through them takes half a second each time.
gc.disable()


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def prefork() -> Iterator[Prefork]:
    """Where the controllers of this worker come from."""
    with Prefork() as parent:
        yield parent
