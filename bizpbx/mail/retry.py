"""When a mail that could not be sent is tried again. Pure: clock and chance are passed in."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

FIRST: Final = timedelta(minutes=1)
LONGEST: Final = timedelta(hours=4)
PATIENCE: Final = timedelta(days=3)
"""After so long without success a mail is given up."""
JITTER: Final = 0.2
"""Part of a pause that it may be shorter or longer by: what failed together does not come back together."""


def next_try(tries: int, now: datetime, give_up_at: datetime, chance: float) -> datetime | None:
    """The moment of the next try after `tries` that failed; None: it is given up. `chance` is 0 to 1.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    >>> [str(next_try(tries, noon, noon + PATIENCE, 0.5) - noon) for tries in (1, 2, 3, 9, 60)]
    ['0:01:00', '0:02:00', '0:04:00', '4:00:00', '4:00:00']
    """
    if now >= give_up_at:
        return None
    pause = min(LONGEST, FIRST * (1 << min(tries - 1, 30)))
    return min(now + pause * (1 + JITTER * (2 * chance - 1)), give_up_at)
