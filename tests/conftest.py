"""For all tests: what needs a program that is missing here is skipped and counted on the last lines; databases; and
examples that are the same in every run."""

from hypothesis import settings

pytest_plugins = ["tests.postgres", "tests.databases", "tests.testbed.requirement_hooks"]

settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile("same")
