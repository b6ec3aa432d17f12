"""The real switch, where there is one."""

from __future__ import annotations

import pytest

from tests.rendering.live import require_freeswitch


@pytest.fixture(autouse=True)
def _freeswitch_where_it_is_needed(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("freeswitch"):
        require_freeswitch()
