"""Rates in a settings file: read with the currency and the clock of the organisation, compared, written."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import exists, select

from bizpbx.directory import rate_changes, rates, schema
from bizpbx.directory.applying.work import Work
from bizpbx.directory.documents import Document
from bizpbx.directory.extension import Extension
from bizpbx.directory.rate import Rate
from bizpbx.directory.rate_changes import RateChange
from bizpbx.directory.rates import RateKey
from bizpbx.directory.records import FEW
from bizpbx.errors import InvalidText
from bizpbx.metering.decks import ALWAYS, Price
from bizpbx.metering.moments import moment
from bizpbx.metering.money import minor
from bizpbx.policy.settings import UsageLimitKind

MOST_PER_MINUTE = Decimal(1_000_000)
"""In the major unit."""


def compare(work: Work, entries: list[schema.Rate] | None) -> RateChange | None:
    """What the file's rates change; None if it has none. Problems are noted in `work`."""
    if entries is None:
        return None
    wanted: dict[RateKey, Price | None] = {}
    positions: dict[RateKey, int] = {}
    for position, entry in enumerate(entries):
        try:
            key, price = read(entry, work.organisation)
        except InvalidText as refused:
            work.problem(f"rates[{position}].{refused.field}", refused.code, refused.sentence)
            continue
        if key in wanted:
            sentence = f"{key.prefix} is there already with this date, at rates[{positions[key]}]; keep one."
            work.problem(f"rates[{position}].prefix", "duplicate", sentence)
        wanted[key], positions[key] = price, position
    few = {key.prefix for key in wanted} if not work.prune and len(wanted) <= FEW else None
    before = rates.stored(work.session, work.organisation_id, prefixes=few)
    return rate_changes.compare(before, wanted, frozenset(before) if work.prune else frozenset())


def read(entry: schema.Rate, organisation: Document) -> tuple[RateKey, Price | None]:
    """A rate of a file, in minor units and UTC. Raises InvalidText that names the field."""
    field = "effective"
    try:
        key = RateKey(
            entry.prefix, ALWAYS if entry.effective is None else moment(entry.effective, organisation["timezone"])
        )
        if entry.per_minute is None:
            return key, None
        field = "per_minute"
        if Decimal(entry.per_minute) >= MOST_PER_MINUTE:
            raise InvalidText(f"must be less than {MOST_PER_MINUTE:,} a minute.")
        per_minute = minor(entry.per_minute, organisation["currency"])
        field = "connection_fee"
        return key, Price(per_minute, minor(entry.connection_fee, organisation["currency"]), entry.first, entry.next)
    except InvalidText as refused:
        raise refused.at(field) from None


def check_currency(work: Work, stored: str) -> None:
    """Amounts are kept in the currency's minor units: they would become others."""
    if work.organisation["currency"] == stored:
        return
    priced = exists().where(Rate.organisation_id == work.organisation_id)
    limited = exists().where(
        Extension.organisation_id == work.organisation_id, Extension.usage_limit_kind == UsageLimitKind.AMOUNT
    )
    if work.session.scalar(select(priced | limited)):
        sentence = f"{stored} is what rates and usage limits are stored in; remove those first."
        work.problem("organisation.currency", "in-use", sentence)
