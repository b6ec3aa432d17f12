"""The guard against toll fraud: whether one more call of an extension looks like somebody else's. Pure.

A stolen password is worth what can be called with it before anybody looks. So an extension has few calls at once, and
few an hour to countries that it does not usually call; whatever its allowance says.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bizpbx.metering.terms import Denial
from bizpbx.policy.settings import Guard

MEMORY = timedelta(days=30)
"""A country is new to an extension that was charged no call to it for so long."""

PROBATION = timedelta(days=1)
"""A charged call makes its country known only after so long: else one call of a minute would lift the limit for the
rest of the night, which is when stolen passwords are used."""

WINDOW = timedelta(hours=1)
"""Calls to new countries are counted within it."""

QUIET = timedelta(days=1)
"""After so long without a refusal of the same kind, the next is told as the first."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What an extension does outside, beside the call that asks: a call with several legs, one after the other or
    together, counts once."""

    calls: int
    """That ring or talk."""
    new_country: bool = False
    """Whether the country that is asked for is new to it."""
    new_country_calls: int = 0
    """Within WINDOW, to countries that were new then; without those that were never answered."""


def may_be_new(country: str, home: str) -> bool:
    """Whether a destination is worth counting. Ranges apart of the home country are: they are what fraud calls.

    >>> may_be_new("SG", "SG"), may_be_new("SG-PREMIUM", "SG"), may_be_new("SATELLITE", "SG")
    (False, True, True)
    """
    return country != home


def judge(limits: Guard, traffic: Traffic) -> Denial | None:
    """Why the call is not to be made; None: it may be.

    >>> judge(Guard(4, 3), Traffic(calls=4))
    <Denial.TOO_MANY_CALLS: 'too-many-calls'>
    >>> judge(Guard(None, 3), Traffic(calls=4, new_country=False, new_country_calls=3))
    """
    if limits.concurrent_calls is not None and traffic.calls >= limits.concurrent_calls:
        return Denial.TOO_MANY_CALLS
    most = limits.new_country_calls
    if traffic.new_country and most is not None and traffic.new_country_calls >= most:
        return Denial.TOO_MANY_NEW_COUNTRIES
    return None
