"""How long the switch is waited for."""

from __future__ import annotations

from bizpbx.freeswitch.session import MESSAGE_LIMIT, RESPONSE_MARGIN
from bizpbx.voicemail.transcoding import LONGEST


def test_the_longest_message_that_is_accepted_is_waited_for_to_its_end() -> None:
    assert LONGEST + RESPONSE_MARGIN <= MESSAGE_LIMIT
