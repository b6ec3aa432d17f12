"""Rates as they are stored: read as a deck, as documents, and as what a change is compared with."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import BigInteger, DateTime, select, type_coerce
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


PORTION = 1000
"""Rates that are read in some milliseconds."""

Rates = Mapping[RateKey, Price | None]
"""None: the prefix has no price of its own from then on."""


def deck(session: Session, organisation_id: int, pause: Callable[[], object] | None = None) -> RateDeck:
    """All rates of the organisation in memory. `pause` is called now and then: reading many takes its time."""

    def with_pauses() -> Iterator[DatedPrice]:
        for position, row in enumerate(rows(session, organisation_id), 1):
            yield row
            if pause is not None and position % PORTION == 0:
                pause()

    return RateDeck(with_pauses())


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
    """In no order. There may be tens of thousands, with few prices and dates among them: each of these is made once."""
    query = asked(organisation_id)
    if prefixes is not None:
        query = query.where(Rate.prefix.in_(prefixes))
    if starts_with:
        query = query.where(Rate.prefix.startswith(starts_with, autoescape=True))
    made: dict[tuple[Any, ...], tuple[datetime, Price | None]] = {}
    for row in session.connection().execute(query):
        told = row[1:]
        if told not in made:
            made[told] = (in_utc(told[0]), price_of(*told[1:]))
        yield DatedPrice(row[0], *made[told])


def asked(organisation_id: int) -> AnySelect:
    return select(
        Rate.prefix,
        type_coerce(Rate.effective, DateTime(timezone=True)),
        type_coerce(Rate.per_minute, BigInteger),
        type_coerce(Rate.connection_fee, BigInteger),
        Rate.first,
        Rate.next,
    ).where(Rate.organisation_id == organisation_id)


def in_utc(moment: datetime) -> datetime:
    """SQLite keeps no time zone."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


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
