"""One switch for all live tests of a worker, and a world of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bizpbx.testbed.sipp import SippWorld

from .static_switch import Static, static_switch


@pytest.fixture(scope="session")
def switch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Static]:
    """A FreeSWITCH with a static dialplan."""
    with static_switch(tmp_path_factory.mktemp("switch")) as running:
        yield running


@pytest.fixture
def world(switch: Static, tmp_path: Path) -> Iterator[SippWorld]:
    """Phones and a carrier; those of an earlier test have signed off."""
    with SippWorld(switch.devices_port, switch.trunks_port, tmp_path) as around:
        yield around
