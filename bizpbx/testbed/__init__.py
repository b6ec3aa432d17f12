"""Switches and phones for the demonstration and the tests: the same scenarios on every switch."""
