"""Amounts as people write them (0.02 dollars) and as they are kept: Decimals in minor units (2 cents)."""

from __future__ import annotations

import re
from decimal import Decimal

from bizpbx.errors import InvalidText
from bizpbx.metering.pricing import DECIMALS
from bizpbx.policy.settings import UsageLimit, UsageLimitKind

_NONE = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"]
)
_THREE = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])

_AMOUNT = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_MOST_DIGITS = 9
"""Before the point. A month's sum of such amounts still fits 64 bits."""


def currency_decimals(currency: str) -> int:
    """Decimals of the minor unit of a currency (ISO 4217): 2 for SGD, 0 for JPY, 3 for KWD."""
    return 0 if currency in _NONE else 3 if currency in _THREE else 2


def is_amount(text: str) -> str:
    """The text, if it is an amount in any currency: digits with a point. Raises InvalidText."""
    if not _AMOUNT.fullmatch(text):
        raise InvalidText(_what_is_wrong(text))
    if len(text.partition(".")[0].lstrip("0")) > _MOST_DIGITS:
        raise InvalidText(f"has more than {_MOST_DIGITS} digits before the point; that is no price.")
    return text


def minor(text: str, currency: str) -> Decimal:
    """The minor units of an amount written in the major unit of a currency. Raises InvalidText for what is no amount,
    or finer than a ten-thousandth of the minor unit."""
    decimals = len(is_amount(text).partition(".")[2].rstrip("0"))
    most = currency_decimals(currency) + DECIMALS
    if decimals > most:
        raise InvalidText(f"has {decimals} decimals; amounts in {currency} take {most} at most.")
    return Decimal(text).scaleb(currency_decimals(currency))


def major(amount: Decimal, currency: str) -> str:
    """An amount in minor units as it is written in a currency's major unit: with that currency's decimals, and more
    where there is something to tell."""
    least = currency_decimals(currency)
    whole, _, decimals = f"{amount.scaleb(-least):f}".partition(".")
    decimals = decimals.rstrip("0").ljust(least, "0")
    return f"{whole}.{decimals}" if decimals else whole


def limit_value(limit: UsageLimit, currency: str) -> str | None:
    """The value of a usage limit as it is written: minutes, or an amount in the major unit; None without a limit."""
    match limit.kind:
        case UsageLimitKind.AMOUNT:
            return major(limit.value, currency)
        case UsageLimitKind.MINUTES:
            return str(int(limit.value))
    return None


def _what_is_wrong(text: str) -> str:
    from bizpbx.validation import shown

    if not text:
        return "is empty; write an amount, such as 0.02."
    if re.fullmatch(r"-[0-9.]+", text):
        return f"is negative ({shown(text)}); a price is 0 or more."
    if re.fullmatch(r"[0-9.]*,[0-9,.]*", text):
        return f"has a comma ({shown(text)}); write the decimals after a point, and no separator of thousands."
    return f"must be an amount with digits and a point, such as 0.02, not {shown(text)}."
