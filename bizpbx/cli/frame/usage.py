"""A month's usage as commands ask for it and print it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from bizpbx import validation
from bizpbx.cli.frame.calls import cell, organisation
from bizpbx.errors import InvalidText
from bizpbx.metering.money import limit_value, major
from bizpbx.metering.months import month_of
from bizpbx.metering.usage_chart import Bar, chart
from bizpbx.metering.usage_report import ExtensionUsage, usage
from bizpbx.policy.settings import UsageLimit, UsageLimitKind

FIELDS = (
    "extension", "label", "month", "limit_kind", "limit_value", "used_seconds", "used_amount", "reserved_seconds",
    "reserved_amount", "currency", "share",
)  # fmt: skip
"""In JSON and CSV; stable, new ones are added at the end."""

BAR = 20
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Found:
    """The usage of one organisation in one month."""

    domain: str
    month: str
    currency: str
    rows: Sequence[ExtensionUsage]


def found(session: Session, domain: str, month: str | None, key: str | None) -> Found:
    """Raises InvalidText for what is no month or key."""
    home = organisation(session, domain)
    if month is not None and not _MONTH.fullmatch(month):
        raise InvalidText(f"must be a month, such as 2026-05, not {validation.shown(month)}.", "--month")
    wanted = month or month_of(datetime.now(UTC), str(home.zone))
    key = validation.extension_key(key) if key is not None else None
    return Found(domain, wanted, home.currency, usage(session, home.id, wanted, key))


def described(one: ExtensionUsage, of: Found) -> dict[str, Any]:
    values = {
        "extension": one.key,
        "label": one.label,
        "month": of.month,
        "limit_kind": str(one.limit_kind),
        "limit_value": _limit(one, of.currency),
        "used_seconds": one.used_seconds,
        "used_amount": major(one.used_amount, of.currency),
        "reserved_seconds": one.reserved_seconds,
        "reserved_amount": major(one.reserved_amount, of.currency),
        "currency": of.currency,
        "share": None if one.share is None else round(float(one.share), 4),
    }
    return {name: values[name] for name in FIELDS}


def told(one: ExtensionUsage, of: Found) -> dict[str, str]:
    """For people: minutes and seconds, amounts with their currency, a bar."""
    limit = _limit(one, of.currency)
    unit = "min" if one.limit_kind is UsageLimitKind.MINUTES else of.currency
    return {
        "talked": clock(one.used_seconds),
        "cost": f"{major(one.used_amount, of.currency)} {of.currency}",
        "limit": "" if limit is None else f"{limit} {unit}",
        "bar": bar(one),
    }


def bar(one: ExtensionUsage) -> str:
    """`█` is used, `░` promised to calls under way, `·` left; nothing without a limit."""
    share, promised = one.share, one.promised
    if share is None or promised is None:
        return ""
    used = min(BAR, int(share * BAR))
    held = min(BAR, int((share + promised) * BAR)) - used
    return f"{'█' * used}{'░' * held}{'·' * (BAR - used - held)} {int(share * 100)} %"


def clock(seconds: int) -> str:
    """
    >>> clock(3725)
    '62:05'
    """
    return f"{seconds // 60}:{seconds % 60:02}"


def csv_of(of: Found) -> str:
    """RFC 4180, with a heading."""
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(FIELDS)
    for one in of.rows:
        row = described(one, of)
        writer.writerow([cell(row[name]) for name in FIELDS])
    return written.getvalue()


def svg_of(of: Found) -> str:
    bars = []
    for one in of.rows:
        words = told(one, of)
        by_amount = one.limit_kind is UsageLimitKind.AMOUNT
        text = words["cost"] if by_amount else words["talked"]
        limit = f" of {words['limit']}" if words["limit"] else ""
        share = None if one.share is None else float(one.share)
        bars.append(Bar(f"{one.key} {one.label or ''}".strip(), text + limit, share, one.used_seconds))
    return chart(f"{of.domain}: {of.month}", bars)


def _limit(one: ExtensionUsage, currency: str) -> str | None:
    if one.limit is None:
        return None
    return limit_value(UsageLimit(one.limit_kind, one.limit), currency)
