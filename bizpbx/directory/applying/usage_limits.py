"""Usage limits of extensions: what the file says of them, made plain, and as it is stored."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bizpbx.directory.applying.work import Work
from bizpbx.directory.documents import Document
from bizpbx.errors import InvalidText
from bizpbx.metering.money import major, minor
from bizpbx.policy.settings import UsageLimitKind

NO_LIMIT: Document = {"kind": "none", "value": None}
MOST_MINUTES = 100_000
"""Two months have no more minutes than that."""


def complete(work: Work, key: str, document: Document) -> Document:
    """The limit with its value written as an export writes it; what is wrong with it is noted in `work`."""
    limit = document["usage_limit"]
    if limit is None or limit["kind"] == "none":
        return NO_LIMIT
    path = work.path("extensions", key, "usage_limit.value")
    if limit["value"] is None:
        what = "minutes" if limit["kind"] == "minutes" else f"an amount in {work.organisation['currency']}"
        work.problem(path, "incomplete", f"is missing; write {what}.")
        return NO_LIMIT
    try:
        value = minutes(limit["value"]) if limit["kind"] == "minutes" else amount(work, limit["value"])
    except InvalidText as refused:
        work.problem(path, refused.code, refused.sentence)
        return NO_LIMIT
    return {"kind": limit["kind"], "value": value}


def minutes(text: str) -> str:
    value = Decimal(text)
    if value != int(value) or value > MOST_MINUTES:
        raise InvalidText(f"must be whole minutes, {MOST_MINUTES:,} at most.")
    return str(int(value))


def amount(work: Work, text: str) -> str:
    currency = work.organisation["currency"]
    return major(minor(text, currency), currency)


def columns(work: Work, document: Document) -> dict[str, Any]:
    """The columns of an extension's row. Extensions of other types have no limit."""
    limit: Document = document.get("usage_limit") or NO_LIMIT
    value: Decimal | None = None
    if limit["kind"] == "minutes":
        value = Decimal(limit["value"])
    elif limit["kind"] == "amount":
        value = minor(limit["value"], work.organisation["currency"])
    return {"usage_limit_kind": UsageLimitKind(limit["kind"]), "usage_limit_value": value}
