"""For all tests: what needs a program that is missing here is skipped and counted on the last lines."""

pytest_plugins = ["tests.testbed.requirement_hooks"]
