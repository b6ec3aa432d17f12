"""The name beside a number, as FreeSWITCH can write it into a SIP header."""

from __future__ import annotations

_BREAKS_QUOTING = str.maketrans({'"': "'", "\\": None})


def display_name(text: str) -> str:
    """A name without what ends or escapes a quoted string: FreeSWITCH 1.11 does not encode it, and no leg can be made
    (DESTINATION_OUT_OF_ORDER).

    >>> display_name('Ann "the boss"')
    "Ann 'the boss'"
    """
    return text.translate(_BREAKS_QUOTING)
