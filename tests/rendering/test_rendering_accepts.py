"""What settings accept, rendering can write: no text of one organisation keeps the others from being rendered."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bizpbx import validation
from bizpbx.errors import InvalidText
from bizpbx.freeswitch.rendering.environment import safe

PIECES = st.sampled_from(
    ["${", "$${", "<?", "<!--#", "X-PRE-PROCESS", "x-Pre-Process", "ARRAY::", "a", " ", "<", "'", "]]>"]
)


@given(st.one_of(st.text(max_size=64), st.lists(PIECES, max_size=6).map("".join)))
@example("ARRAY::a|:b")
@example("see X-pre-process")
def test_a_label_that_settings_accept_is_rendered(text: str) -> None:
    with contextlib.suppress(InvalidText):
        accepted = validation.label(text)
        assert safe(accepted) == accepted


@pytest.mark.parametrize("text", ["X-PRE-PROCESS", "<!--#set", "ARRAY::a|:b", "${x}", "$${x}", "<?x"])
def test_what_rendering_refuses_is_refused_at_the_door(text: str) -> None:
    with pytest.raises(InvalidText):
        validation.label(text)
