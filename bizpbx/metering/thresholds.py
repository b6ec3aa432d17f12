"""How much of a month's allowance must be used for somebody to be told. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from bizpbx.metering.allowance import Allowance

TOLD: Final = (100, 80)
"""Per cent, the highest first."""


def reached(seconds: int, amount: Decimal, allowance: Allowance) -> int | None:
    """The highest of TOLD that so much use (seconds of talk, minor units) has come to; None below all, or without a
    limit.

    >>> [reached(seconds, Decimal(0), Allowance(seconds=300)) for seconds in (239, 240, 299, 300, 400)]
    [None, 80, 80, 100, 100]
    """
    for share in TOLD:
        for used, most in ((seconds, allowance.seconds), (amount, allowance.amount)):
            if most is not None and used * 100 >= most * share:
                return share
    return None
