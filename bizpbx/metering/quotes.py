"""What the calls of a plan would cost, and whom, and what limits them: what `bizpbx explain call` prints of prices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from bizpbx.metering.decks import RateDeck
from bizpbx.metering.guard import may_be_new
from bizpbx.metering.money import limit_value, major
from bizpbx.metering.pricing import Rate, cost
from bizpbx.policy.country import country_of
from bizpbx.policy.plan import GatewayTarget, Plan, Ring
from bizpbx.policy.settings import Guard, Tenant, UsageLimit, UsageLimitKind

EXAMPLES = (1, 3, 10)
"""Minutes."""

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Quote:
    """One call through a gateway: who pays what. Without a rate the call costs nothing, or is refused if `limit` is an
    amount: nobody could say when it is used up. `country`: of the number, if the guard may take it for a new one."""

    dial: str
    charge: str
    rate: Rate | None
    limit: UsageLimit
    guard: Guard
    country: str | None

    @property
    def refused(self) -> bool:
        return self.rate is None and self.limit.kind is UsageLimitKind.AMOUNT


def quotes(plan: Plan, tenant: Tenant, deck: RateDeck, at: datetime) -> tuple[Quote, ...]:
    """One for each number that the plan calls at a charge, in its order, at the prices of a moment: the gateway
    that a call goes through in the end makes no difference."""
    return tuple(dict.fromkeys(_quotes(plan, tenant, deck, at)))


def _quotes(plan: Plan, tenant: Tenant, deck: RateDeck, at: datetime) -> Iterator[Quote]:
    for step in plan.steps:
        for target in step.targets if isinstance(step, Ring) else ():
            if isinstance(target, GatewayTarget) and target.charge is not None:
                payer = tenant.extension(target.charge)
                limit = payer.usage_limit if payer is not None else UsageLimit()
                guard = payer.guard if payer is not None else tenant.organisation.guard
                country = country_of(target.dial)
                abroad = country if may_be_new(country, tenant.organisation.country) else None
                yield Quote(target.dial, target.charge, deck.find(target.dial, at), limit, guard, abroad)


def to_json(quote: Quote, currency: str) -> Json:
    """Amounts are texts in the currency's major unit. Fields may be added, none is renamed."""
    rate = quote.rate
    return {
        "dial": quote.dial,
        "charges": quote.charge,
        "currency": currency,
        "rate": None
        if rate is None
        else {
            "prefix": rate.prefix,
            "per_minute": major(rate.per_minute, currency),
            "connection_fee": major(rate.connection_fee, currency),
            "first": rate.first,
            "next": rate.next,
        },
        "costs": None
        if rate is None
        else {str(minutes): major(cost(rate, 60 * minutes), currency) for minutes in EXAMPLES},
        "refused": quote.refused,
        "limit": {"kind": str(quote.limit.kind), "value": limit_value(quote.limit, currency)},
        "guard": {
            "concurrent_calls": quote.guard.concurrent_calls,
            "new_country_calls": quote.guard.new_country_calls,
            "country": quote.country,
        },
    }


def to_lines(quote: Quote, currency: str) -> list[str]:
    """The same for people."""
    if quote.refused:
        price = "no rate: refused, its cost could not be held against an amount"
    elif quote.rate is None:
        price = "no rate: it costs nothing and is marked unpriced"
    else:
        price = _price(quote.rate, currency)
    return [
        f"{quote.dial}, charged to {quote.charge}: {price}",
        f"{quote.charge} {_limit(quote.limit, currency)}",
        *(f"{quote.charge} {words}" for words in _guarded(quote)),
    ]


def _guarded(quote: Quote) -> Iterator[str]:
    """What holds the call up, however much may be spent."""
    calls, abroad = quote.guard.concurrent_calls, quote.guard.new_country_calls
    if calls is not None:
        yield f"may have {calls} calls outside at the same time (guard)"
    if abroad is not None and quote.country is not None:
        yield f"may make {abroad} calls an hour to countries that are new to it, if {quote.country} is (guard)"


def _price(rate: Rate, currency: str) -> str:
    fee = f" and {major(rate.connection_fee, currency)} for the connection" if rate.connection_fee else ""
    examples = ", ".join(f"{minutes} min {major(cost(rate, 60 * minutes), currency)}" for minutes in EXAMPLES)
    per_minute = major(rate.per_minute, currency)
    return f"{per_minute} {currency} a minute{fee} (rate {rate.prefix}, {rate.first}/{rate.next} s): {examples}"


def _limit(limit: UsageLimit, currency: str) -> str:
    value = limit_value(limit, currency)
    if limit.kind is UsageLimitKind.AMOUNT:
        return f"may spend {value} {currency} a month"
    if limit.kind is UsageLimitKind.MINUTES:
        return f"may talk {value} minutes a month"
    return "has no usage limit"
