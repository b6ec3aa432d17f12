"""Outbound rules as they are stored, each with its plans and countries: two queries however many there are."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import JSON, Integer, String, cast, literal, null, select, type_coerce, union_all
from sqlalchemy.orm import Session

from bizpbx.directory.number import Number
from bizpbx.directory.outbound_rule import (
    CallerIdPlanEntry,
    DialPlanEntry,
    FallbackGateway,
    OutboundRule,
    RuleCountry,
)

FALLBACK, COUNTRY, CALLER_ID = -3, -2, -1
"""What a row without a place in the dial plan is, in the column of places."""


@dataclass(slots=True)
class PlanRecord:
    starts_with: list[str]
    length: int
    strip: int
    prepend: str


@dataclass(slots=True)
class CallerIdRecord:
    country: str
    prefix: str
    caller_id: str
    owned: bool
    """It is one of the organisation's numbers."""


@dataclass(slots=True)
class RuleRecord:
    id: int
    name: str
    gateway_id: int | None
    dial_plan: list[PlanRecord] = field(default_factory=list)
    countries: dict[str, str] = field(default_factory=dict)
    """ISO letters, or a range apart → `allowed` or `passcode`, in alphabetical order."""
    caller_ids: list[CallerIdRecord] = field(default_factory=list)
    """By country and prefix."""
    fallback_ids: list[int] = field(default_factory=list)
    """Gateways that are tried after its own, in order."""


def rules(session: Session, organisation_id: int) -> list[RuleRecord]:
    """All rules of the organisation, by name."""
    query = select(OutboundRule.id, OutboundRule.name, OutboundRule.gateway_id).where(
        OutboundRule.organisation_id == organisation_id
    )
    found = {row.id: RuleRecord(*row) for row in session.execute(query.order_by(OutboundRule.name))}
    if not found:
        return []
    plans = select(
        DialPlanEntry.rule_id,
        DialPlanEntry.position.label("position"),
        DialPlanEntry.starts_with,
        DialPlanEntry.length,
        DialPlanEntry.strip,
        DialPlanEntry.prepend,
    ).where(DialPlanEntry.organisation_id == organisation_id)
    # One text for all that the other two kinds of row say, so that they fit the same query.
    nothing = (cast(null(), JSON), cast(null(), Integer))
    space = literal(" ")
    countries = select(
        RuleCountry.rule_id,
        literal(COUNTRY),
        *nothing,
        cast(null(), Integer),
        (RuleCountry.country + space + type_coerce(RuleCountry.access, String)),
    ).where(RuleCountry.organisation_id == organisation_id)
    caller_ids = (
        select(
            CallerIdPlanEntry.rule_id,
            literal(CALLER_ID),
            *nothing,
            Number.id,
            (CallerIdPlanEntry.country + space + CallerIdPlanEntry.prefix + space + CallerIdPlanEntry.caller_id),
        )
        .outerjoin(
            Number,
            (Number.organisation_id == CallerIdPlanEntry.organisation_id)
            & (Number.e164 == CallerIdPlanEntry.caller_id),
        )
        .where(CallerIdPlanEntry.organisation_id == organisation_id)
    )
    fallbacks = select(
        FallbackGateway.rule_id,
        literal(FALLBACK),
        cast(null(), JSON),
        FallbackGateway.position,
        FallbackGateway.gateway_id,
        literal(""),
    ).where(FallbackGateway.organisation_id == organisation_id)
    for rule_id, position, starts_with, length, strip, text in session.execute(
        union_all(plans, countries, caller_ids, fallbacks).order_by("position", "length")
    ):
        rule = found.get(rule_id)
        if rule is None:  # added since the first query
            continue
        if position == FALLBACK:
            rule.fallback_ids.append(strip)
        elif position == COUNTRY:
            country, access = text.split(" ")
            rule.countries[country] = access
        elif position == CALLER_ID:
            country, prefix, caller_id = text.split(" ")
            rule.caller_ids.append(CallerIdRecord(country, prefix, caller_id, strip is not None))
        else:
            rule.dial_plan.append(PlanRecord(starts_with, length, strip, text))
    for rule in found.values():
        rule.countries = dict(sorted(rule.countries.items()))
        rule.caller_ids.sort(key=lambda entry: (entry.country, entry.prefix))
    return list(found.values())
