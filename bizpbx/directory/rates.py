"""Rates as they are stored: read as a deck, as documents, and as what a change is compared with."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import BigInteger, select, type_coerce
from sqlalchemy.orm import Session

from bizpbx.directory.rate import Rate
from bizpbx.metering.decks import ALWAYS, DatedPrice, Price, RateDeck
from bizpbx.metering.moments import written
from bizpbx.metering.money import major

if TYPE_CHECKING:
    from bizpbx.directory.base import AnySelect


class RateKey(NamedTuple):
    """What names a rate: its prefix, and the moment (UTC) from which it counts."""

    prefix: str
    effective: datetime


Rates = Mapping[RateKey, Price | None]
"""None: the prefix has no price of its own from then on."""


def deck(session: Session, organisation_id: int) -> RateDeck:
    """All rates of the organisation in memory."""
    return RateDeck(rows(session, organisation_id))


def stored(
    session: Session, organisation_id: int, *, starts_with: str = "", prefixes: Collection[str] | None = None
) -> dict[RateKey, Price | None]:
    """By prefix and moment: all rates, those of prefixes that start with some digits, or those of some prefixes."""
    found = {
        RateKey(one.prefix, one.effective): one.price
        for one in rows(session, organisation_id, starts_with=starts_with, prefixes=prefixes)
    }
    return dict(sorted(found.items()))


def rows(
    session: Session, organisation_id: int, *, starts_with: str = "", prefixes: Collection[str] | None = None
) -> Iterator[DatedPrice]:
    """In no order. Read without SQLAlchemy's types: there may be tens of thousands, and few prices among them."""
    query = asked(organisation_id)
    if prefixes is not None:
        query = query.where(Rate.prefix.in_(prefixes))
    if starts_with:
        query = query.where(Rate.prefix.startswith(starts_with, autoescape=True))
    prices: dict[tuple[Any, ...], Price | None] = {}
    for found, effective, *numbers in session.connection().execute(query):
        amounts = tuple(numbers)
        if amounts not in prices:
            prices[amounts] = price_of(*amounts)
        yield DatedPrice(found, effective, prices[amounts])


def asked(organisation_id: int) -> AnySelect:
    return select(
        Rate.prefix,
        Rate.effective,
        type_coerce(Rate.per_minute, BigInteger),
        type_coerce(Rate.connection_fee, BigInteger),
        Rate.first,
        Rate.next,
    ).where(Rate.organisation_id == organisation_id)


def price_of(per_minute: int | None, connection_fee: int, first: int, following: int) -> Price | None:
    """From ten-thousandths of a minor unit."""
    if per_minute is None:
        return None
    return Price(Decimal(per_minute).scaleb(-4), Decimal(connection_fee).scaleb(-4), first, following)


def document(key: RateKey, price: Price | None, currency: str, zone: str) -> dict[str, Any]:
    """A rate in the shape of the settings file."""
    return {
        "prefix": key.prefix,
        "per_minute": None if price is None else major(price.per_minute, currency),
        "connection_fee": major(Decimal(0) if price is None else price.connection_fee, currency),
        "first": 1 if price is None else price.first,
        "next": 1 if price is None else price.next,
        "effective": None if key.effective == ALWAYS else written(key.effective, zone),
    }


def in_force(keys: Iterable[RateKey], at: datetime) -> dict[str, RateKey]:
    """Of each prefix the rate that counts at a moment."""
    found: dict[str, RateKey] = {}
    for key in keys:
        if key.effective <= at and (key.prefix not in found or found[key.prefix] < key):
            found[key.prefix] = key
    return found
