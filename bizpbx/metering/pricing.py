"""What a call costs. Pure arithmetic on Decimals in minor currency units (cents), of four decimals at most."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

DECIMALS = 4
"""Of a minor unit, that any amount is told to."""
LONGEST_TALK = 86_400
"""Seconds that `affordable` says at most: a day. A longer call is granted more while it runs."""

FINEST = Decimal(1).scaleb(-DECIMALS)
_UNITS = 10**DECIMALS
_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Rate:
    """The price of calls to numbers that start with `prefix` (digits, with the country code and without `+`)."""

    prefix: str
    per_minute: Decimal
    """Minor units."""
    connection_fee: Decimal = Decimal(0)
    """Minor units, once for each answered call."""
    first: int = 1
    """Seconds that are charged at least."""
    next: int = 1
    """Seconds by which more is charged, after the first: 60 charges every minute that was begun."""


def cost(rate: Rate, seconds: int) -> Decimal:
    """Minor units that a talk of so many seconds costs, rounded half up once, for the whole call. A call that was not
    answered (no seconds) costs nothing."""
    if seconds <= 0:
        return _amount(0)
    charged = rate.first + _steps_up(seconds - rate.first, rate.next) * rate.next
    # Half up in whole numbers: (2n + d) // 2d is n / d, rounded.
    talk = (2 * _units(rate.per_minute) * charged + _MINUTE) // (2 * _MINUTE)
    return _amount(_units(rate.connection_fee) + talk)


def affordable(rate: Rate, amount: Decimal) -> int:
    """The longest talk time in whole seconds that costs no more than this many minor units; a day at most, 0 where not
    even the first second can be paid."""
    left = _units(amount) - _units(rate.connection_fee)
    if left < 0:
        return 0
    per_minute = _units(rate.per_minute)
    if per_minute == 0:
        return LONGEST_TALK
    # The most seconds that can be charged before rounding half up would pass what is left.
    charged = (_MINUTE * left + _MINUTE // 2 - 1) // per_minute
    if charged < rate.first:
        return 0
    return min(LONGEST_TALK, rate.first + (charged - rate.first) // rate.next * rate.next)


def _steps_up(seconds: int, step: int) -> int:
    """How many steps were begun in so many seconds."""
    return -(-max(0, seconds) // step)


def _units(amount: Decimal) -> int:
    """In ten-thousandths of a minor unit. What is finer than that cannot be paid with."""
    return int(amount.quantize(FINEST, ROUND_FLOOR).scaleb(DECIMALS))


def _amount(units: int) -> Decimal:
    return Decimal(units).scaleb(-DECIMALS)
