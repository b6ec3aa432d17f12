"""For all tests: what needs a program that is missing here is skipped and counted on the last lines; databases; and
examples that are the same in every run."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from bizpbx.testbed.prefork import Prefork

pytest_plugins = ["tests.postgres", "tests.databases", "tests.testbed.requirement_hooks"]

settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile("same")


@pytest.fixture(scope="session")
def prefork() -> Iterator[Prefork]:
    """Where the controllers of this worker come from."""
    with Prefork() as parent:
        yield parent
