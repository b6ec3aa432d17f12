from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizpbx.testbed.sipp import log

from .sip_log import RULE, entry, request, response

LOG = entry(True, request("INVITE", "1 INVITE"), 1.25) + entry(False, response("180 Ringing", "1 INVITE"), 1.5)


def test_reads_time_direction_and_message() -> None:
    (first, second), taken = log.read(LOG)
    assert (first.sent, first.message.method) == (True, "INVITE")
    assert (second.sent, second.message.status) == (False, 180)
    assert second.at - first.at == pytest.approx(0.25)
    assert len(LOG) - taken <= 1


@given(st.integers(0, len(LOG)))
def test_a_growing_log_gives_each_message_once(cut: int) -> None:
    early, taken = log.read(LOG[:cut])
    late, _ = log.read(LOG[taken:])
    assert [each.message.status for each in (*early, *late)] == [0, 180]


def test_a_message_cannot_pass_for_an_entry() -> None:
    forged = f"{RULE} 2026-11-23 21:37:00.000000\nUDP message sent (3 bytes):\n\nabc"
    entries, _ = log.read(entry(False, request("INFO", "1 INFO") + forged) + LOG)
    assert [each.message.method for each in entries] == ["INFO", "INVITE", ""]


def test_passes_over_keepalives() -> None:
    entries, _ = log.read(entry(False, "\n\n") + LOG)
    assert len(entries) == 2


@given(st.binary())
def test_any_bytes_can_be_read(data: bytes) -> None:
    log.read(data)
