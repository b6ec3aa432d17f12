from __future__ import annotations

from bizpbx.testbed.sipp.load import Delays, delays, summary
from bizpbx.testbed.world import CallResult


def test_counts_calls_by_how_they_ended() -> None:
    placed = [CallResult(200, time_to_ring=0.1, time_to_answer=0.2), CallResult(486), CallResult(486)]
    result = summary(placed, calls=5)
    assert (result.calls, result.answered, result.failures) == (5, 1, {0: 2, 486: 2})
    assert result.to_answer == Delays(0.2, 0.2, 0.2, 0.2)


def test_percentiles_are_times_that_were_measured() -> None:
    assert delays([number / 100 for number in range(100, 0, -1)]) == Delays(0.5, 0.9, 0.99, 1.0)
    assert delays([]) is None
