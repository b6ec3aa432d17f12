"""The month that a second of talk is counted in: `YYYY-MM` by the clock of the organisation.

A month begins at the first moment at which that clock shows the 1st, and does not come back: where the clock is put
back over midnight (St. John's, 1 November 2009, from 00:01 to 23:01) the hour that is lived twice is of the new month,
and where midnight is skipped (Asunción, 1 October 2017) the month begins with the first minute that there is.
Leap seconds are no seconds here, as they are none to the clocks of computers.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_SECOND = timedelta(seconds=1)


def month_of(instant: datetime, zone: str) -> str:
    """The month of an instant (with its time zone) in a zone of the IANA database, such as `Asia/Singapore`."""
    return _text(*_month(instant, zone))


def split(answered: datetime, seconds: int, zone: str) -> tuple[tuple[str, int], ...]:
    """(month, seconds) for each month that a talk of so many seconds fell in, in order. They sum to the talk; a second
    belongs to the month in which it began."""
    year, month = _month(answered, zone)
    parts: list[tuple[str, int]] = []
    counted = 0
    while counted < seconds:
        end = starts(*_following(year, month), zone)
        until = min(seconds, -((answered - end) // _SECOND))
        parts.append((_text(year, month), until - counted))
        counted = until
        year, month = _following(year, month)
    return tuple(part for part in parts if part[1])


@lru_cache(maxsize=1024)
def starts(year: int, month: int, zone: str) -> datetime:
    """The instant (UTC) at which a month begins."""
    # A midnight that comes twice is the first of the two. One that is skipped is read by the offset of before, which
    # makes it the moment of the jump: no zone of the database ever jumped over midnight of a 1st from an earlier time.
    return datetime(year, month, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def _month(instant: datetime, zone: str) -> tuple[int, int]:
    local = instant.astimezone(ZoneInfo(zone))
    following = _following(local.year, local.month)
    return following if instant >= starts(*following, zone) else (local.year, local.month)


def _following(year: int, month: int) -> tuple[int, int]:
    return (year + 1, 1) if month == 12 else (year, month + 1)


def _text(year: int, month: int) -> str:
    return f"{year:04}-{month:02}"
