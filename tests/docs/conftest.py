"""A terminal in a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bizpbx.testbed.ports import Ports
from tests.docs.terminal import Terminal


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    with Ports() as ports:
        made = Terminal(tmp_path, ports)
        yield made
        made.end()
