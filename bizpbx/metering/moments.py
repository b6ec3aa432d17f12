"""Moments as people write them: a date, or a date and a time, by the clock of the organisation or with an offset."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from bizpbx.errors import InvalidText

_WRITTEN = re.compile(
    r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?:Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


def is_moment(text: str) -> str:
    """The text, if it is a moment. Raises InvalidText."""
    moment(text, "UTC")
    return text


def moment(text: str, zone: str) -> datetime:
    """The instant (UTC) of `2027-01-01`, `2027-01-01T08:00` or `2027-01-01T08:00:00+08:00`; without an offset by the
    clock of this zone (IANA). Raises InvalidText."""
    try:
        read = datetime.fromisoformat(text) if _WRITTEN.fullmatch(text) else None
        if read is not None:
            instant = (read if read.tzinfo is not None else read.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
            if instant >= _EARLIEST:
                return instant
    except (ValueError, OverflowError):
        pass
    from bizpbx.validation import shown

    raise InvalidText(f"must be a date, or a date and a time, such as 2027-01-01T08:00, not {shown(text)}.")


def written(instant: datetime, zone: str) -> str:
    """An instant as it is exported: `2027-01-01T08:00:00+08:00`, by the clock of this zone."""
    return instant.astimezone(ZoneInfo(zone)).isoformat(timespec="seconds")
