"""Outbound rules as they are stored, each with its dial plan and countries: two queries however many there are."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import JSON, Integer, String, cast, literal, null, select, type_coerce, union_all
from sqlalchemy.orm import Session

from bizpbx.directory.outbound_rule import DialPlanEntry, OutboundRule, RuleCountry


@dataclass(slots=True)
class PlanRecord:
    starts_with: list[str]
    length: int
    strip: int
    prepend: str


@dataclass(slots=True)
class RuleRecord:
    id: int
    name: str
    gateway_id: int | None
    dial_plan: list[PlanRecord] = field(default_factory=list)
    countries: dict[str, str] = field(default_factory=dict)
    """ISO letters → `allowed` or `passcode`, in alphabetical order."""


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
    countries = select(
        RuleCountry.rule_id,
        literal(-1),
        cast(null(), JSON),
        cast(null(), Integer),
        cast(null(), Integer),
        # One text for both, so that the two kinds of row fit one query.
        (RuleCountry.country + literal(" ") + type_coerce(RuleCountry.access, String)),
    ).where(RuleCountry.organisation_id == organisation_id)
    for rule_id, position, starts_with, length, strip, text in session.execute(
        union_all(plans, countries).order_by("position")
    ):
        rule = found.get(rule_id)
        if rule is None:  # added since the first query
            continue
        if position < 0:
            country, access = text.split(" ")
            rule.countries[country] = access
        else:
            rule.dial_plan.append(PlanRecord(starts_with, length, strip, text))
    for rule in found.values():
        rule.countries = dict(sorted(rule.countries.items()))
    return list(found.values())
