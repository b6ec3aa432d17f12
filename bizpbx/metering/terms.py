"""What a leg that is to be charged says of itself, the terms it may talk on, and what the ledger answers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from bizpbx.metering.allowance import UNLIMITED, Allowance
from bizpbx.metering.pricing import Rate
from bizpbx.policy.settings import Guard

SLICE = 600
"""Seconds that are granted at once where plenty is left: a controller that is away for less is not noticed."""

UNGUARDED = Guard(None, None)

RING = 120
"""Seconds within which a leg is answered, or not at all."""


@dataclass(frozen=True, slots=True)
class Draw:
    """A leg that is about to be dialled. `leg` is the name it will have on the switch, chosen before; `call` that of
    the leg the call came in on, or of the one that is held meanwhile; `extension` the key that pays; `number` E.164."""

    organisation_id: int
    switch: str
    leg: str
    call: str
    extension: str
    number: str
    country: str
    gateway: str


@dataclass(frozen=True, slots=True)
class Terms:
    """By the settings of the moment. `zone` and `home` (country) are the organisation's; without a rate the number has
    none."""

    zone: str
    rate: Rate | None
    allowance: Allowance = UNLIMITED
    ring: int = RING
    slice: int = SLICE
    guard: Guard = UNGUARDED
    home: str = ""


@dataclass(frozen=True, slots=True)
class Granted:
    """`seconds` of talk from the answer; None: nothing limits it. `again`: the leg had this lease already."""

    lease_id: int
    seconds: int | None
    again: bool = False


class Denial(StrEnum):
    """Why a leg is not to be dialled."""

    EXHAUSTED = "exhausted"
    """The month's allowance is used up, or promised to calls under way."""
    UNPRICED = "unpriced"
    """The extension is limited by amount, and what the call would cost is not known."""
    LEG_TAKEN = "leg-taken"
    """A leg of this name was charged before, or to somebody else: choose another name."""
    TOO_MANY_CALLS = "too-many-calls"
    """The extension has as many calls outside as the guard lets it have."""
    TOO_MANY_NEW_COUNTRIES = "too-many-new-countries"
    """The extension has called as many countries that are new to it as the guard lets it call within an hour."""


@dataclass(frozen=True, slots=True)
class Denied:
    """`alert`: the guard's first refusal of its kind for a day, that somebody ought to hear of."""

    reason: Denial
    alert: bool = False


@dataclass(frozen=True, slots=True)
class Extended:
    """`seconds` from the answer that the leg may talk now in all; `more` than before, 0 if there was nothing left."""

    seconds: int | None
    more: int


@dataclass(frozen=True, slots=True)
class ChargedMonth:
    """What a leg used of one month."""

    month: str
    seconds: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of a lease."""

    lease_id: int
    organisation_id: int
    extension: str
    """Key of the extension that paid."""
    charges: tuple[ChargedMonth, ...]
    """In order of the months; none if the leg was never answered."""
    unused: int | None
    """Seconds that were granted and not talked; None where nothing limited the leg."""
    priced: bool
    """Whether the number had a rate."""

    @property
    def amount(self) -> Decimal:
        """The cost of the leg, in minor units."""
        return sum((charge.amount for charge in self.charges), Decimal(0))

    @property
    def seconds(self) -> int:
        return sum(charge.seconds for charge in self.charges)
