"""How much time a lease is given of what an extension has left. Pure: usage and clock are passed in.

A lease holds seconds and minor units of each month that its talk can fall in. What is given shrinks with what is left,
so that calls at the same moment share a small rest, and the last seconds are given too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from bizpbx.metering.months import split
from bizpbx.metering.pricing import FINEST, Rate, cost
from bizpbx.policy.settings import UsageLimit, UsageLimitKind

SHARE = 8
"""One call takes a part of so many of what is left."""

LEAST = 60
"""Seconds that are given at once, or all that is left: the last minute of an allowance outlives its controller."""

NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What an extension may use in a month: seconds of talk, minor units, or neither limited."""

    seconds: int | None = None
    amount: Decimal | None = None

    @property
    def limited(self) -> bool:
        return self.seconds is not None or self.amount is not None


UNLIMITED = Allowance()


def allowance_of(limit: UsageLimit | None) -> Allowance:
    """What a limit of the settings allows. Of an extension that is gone: nothing.

    >>> allowance_of(UsageLimit(UsageLimitKind.MINUTES, Decimal("1.5"))).seconds
    90
    """
    if limit is None:
        return Allowance(seconds=0)
    match limit.kind:
        case UsageLimitKind.MINUTES:
            return Allowance(seconds=int(limit.value * 60))
        case UsageLimitKind.AMOUNT:
            return Allowance(amount=limit.value)
        case UsageLimitKind.NONE:
            return UNLIMITED


class Part(NamedTuple):
    """Seconds of talk and minor units, of one month."""

    seconds: int = 0
    amount: Decimal = NOTHING


Parts = Mapping[str, Part]
"""By month."""


def price(rate: Rate | None, seconds: int) -> Decimal:
    """What a talk costs; without a rate, nothing."""
    return cost(rate, seconds) if rate is not None else NOTHING


def charges(answered: datetime, seconds: int, rate: Rate | None, zone: str) -> dict[str, Part]:
    """What a talk comes to in each month it fell in: the cost of the whole call, split at midnight of the 1st."""
    parts: dict[str, Part] = {}
    talked, charged = 0, NOTHING
    for month, part in split(answered, seconds, zone):
        talked += part
        total = price(rate, talked)
        parts[month] = Part(part, total - charged)
        charged = total
    return parts


def possible(now: datetime, ring: int, seconds: int, rate: Rate | None, zone: str) -> dict[str, Part]:
    """The most that a talk of so many seconds can come to in each month, if it is answered within `ring` seconds.

    Around midnight of the 1st each second is counted in both months: nobody knows yet in which it falls.
    """
    months = split(now, ring + seconds, zone)
    parts: dict[str, Part] = {}
    for position, (month, most) in enumerate(months):
        talk = min(seconds, most)
        amount = price(rate, talk)
        if position and rate is not None:
            # The new month is charged what the call costs less what it did cost up to midnight: an increment more than
            # its talk would cost alone, if the first one is shorter, and the old month's part was rounded.
            amount = min(price(rate, seconds), price(rate, talk + rate.next) + FINEST)
        parts[month] = Part(talk, amount)
    return parts


def extended(
    granted: int, top: int, needs: Callable[[int], Parts], held: Parts, left: Parts, allowance: Allowance
) -> int:
    """Seconds from the answer that a lease may have: at least those it has (`granted`, for which it holds `held`), and
    `top` where there is plenty.

    `needs(seconds)` is what it must hold for so many, never less for more; `left` what is neither used nor reserved
    by now of each of those months.
    """

    def within(seconds: int, share: int) -> bool:
        for month, need in needs(seconds).items():
            have, rest = held.get(month, Part()), left[month]
            more, costs = need.seconds - have.seconds, need.amount - have.amount
            if allowance.seconds is not None and more > 0 and more * share > rest.seconds:
                return False
            if allowance.amount is not None and costs > 0 and costs * share > rest.amount:
                return False
        return True

    if top <= granted:
        return granted
    fair = longest(granted, top, lambda seconds: within(seconds, SHARE))
    if fair < granted + LEAST:
        fair = longest(granted, min(granted + LEAST, top), lambda seconds: within(seconds, 1))
    if fair == granted or allowance.amount is None or allowance.seconds is not None:
        return fair
    # What is paid for with this increment anyway is given too.
    paid = {month: part.amount for month, part in needs(fair).items()}
    return longest(fair, top, lambda seconds: {month: part.amount for month, part in needs(seconds).items()} == paid)


def longest(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The greatest of low..high for which it holds; what holds for one holds for all below. `low` if it never does."""
    if holds(high):
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if holds(middle):
            low = middle
        else:
            high = middle
    return low
