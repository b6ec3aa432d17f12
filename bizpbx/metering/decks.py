"""The prices of an organisation in memory: the longest prefix of a number that has a rate at a moment."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

from bizpbx.metering.pricing import Rate

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
"""From when a rate without a date is in force."""


class Price(NamedTuple):
    """A rate without its prefix. Amounts in minor units, increments in seconds."""

    per_minute: Decimal
    connection_fee: Decimal
    first: int
    next: int


class DatedPrice(NamedTuple):
    """What a prefix costs from a moment on. Without a price it has none of its own any more: a shorter one counts."""

    prefix: str
    effective: datetime
    price: Price | None


History = tuple[tuple[datetime, Price | None], ...]
"""Of one prefix: from when which price, in order."""


class RateDeck:
    """All rates of one organisation. Of a prefix the newest price counts whose moment has come."""

    def __init__(self, rows: Iterable[DatedPrice] = ()) -> None:
        """In any order. Equal prices and equal histories are kept once: decks have many prefixes and few prices."""
        prices: dict[Price | None, Price | None] = {}
        histories: dict[History, History] = {}
        found: dict[str, History] = {}
        for prefix, effective, price in rows:
            entry = (effective, prices.setdefault(price, price))
            before = found.get(prefix, ())
            history = (*before, entry)
            if before and before[-1][0] > effective:
                history = tuple(sorted(history, key=_moment))
            found[prefix] = histories.setdefault(history, history)
        self._found = found
        self._lengths = tuple(sorted({len(prefix) for prefix in found}, reverse=True))

    def __len__(self) -> int:
        """How many prefixes it has."""
        return len(self._found)

    def find(self, number: str, at: datetime) -> Rate | None:
        """The rate of an E.164 number, with or without `+`, at a moment (with its time zone); None: it has none."""
        digits = number.removeprefix("+")
        for length in self._lengths:
            if length > len(digits):
                continue
            for effective, price in reversed(self._found.get(digits[:length], ())):
                if effective <= at:
                    if price is not None:
                        return Rate(digits[:length], *price)
                    break
        return None


def _moment(entry: tuple[datetime, Price | None]) -> datetime:
    return entry[0]
