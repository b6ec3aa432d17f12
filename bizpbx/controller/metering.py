"""The Meter of calls, over the ledger in the database: what an extension may use comes from its settings of now."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import structlog
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from bizpbx.calls.metering import Charged, NotGranted
from bizpbx.controller import alerts, faults, metrics
from bizpbx.controller.changes import Changes
from bizpbx.controller.queries import DatabaseSilent, Queries
from bizpbx.directory.lookup import SettingsReader
from bizpbx.metering.allowance import allowance_of
from bizpbx.metering.settling import release
from bizpbx.metering.taking import take
from bizpbx.metering.terms import Denial, Denied, Draw, Granted, Terms
from bizpbx.policy.country import country_of
from bizpbx.policy.plan import Lease, Reason
from bizpbx.policy.prompt import Prompt
from bizpbx.policy.rules import Rule
from bizpbx.policy.settings import Guard

AGAIN: Final = 3
"""Names that a leg is tried under. The first one is free unless a call is carried out twice."""

log = structlog.get_logger(__name__)


def utc_now() -> datetime:
    return datetime.now(UTC)


class LedgerMeter:
    """Implements `bizpbx.calls.metering.Meter`."""

    def __init__(
        self, queries: Queries, changes: Changes, reader: SettingsReader, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._queries = queries
        self._changes = changes
        self._reader = reader
        self._now = now

    def take(self, charged: Charged) -> Lease | NotGranted:
        faults.reach(faults.Point.BEFORE_RESERVATION)
        now = self._now()
        draw, terms = self._queries.ask(lambda session: self._terms(session, charged, now))
        for _ in range(AGAIN):
            answer = self._taken(draw, terms, now)
            if isinstance(answer, Granted):
                faults.reach(faults.Point.RESERVED)
                return Lease(draw.leg, answer.seconds)
            denied = answer
            if denied.reason is not Denial.LEG_TAKEN:
                break
            draw = replace(draw, leg=str(uuid.uuid5(uuid.UUID(draw.leg), "again")))
        if denied.reason in (Denial.TOO_MANY_CALLS, Denial.TOO_MANY_NEW_COUNTRIES):
            alerts.guard_refused(charged, draw.country, denied)
        return _refused(denied, charged, draw.country, terms.guard)

    def _taken(self, draw: Draw, terms: Terms, now: datetime) -> Granted | Denied:
        return self._changes.make(lambda session: take(session, draw, terms, now))

    def give_back(self, switch: str, leg: str) -> None:
        try:
            self._changes.make(lambda session: release(session, switch, leg, self._now()))
        except (OperationalError, DatabaseSilent) as error:
            # The record of the leg does the same later, or the comparison with the switch.
            log.warning("lease.not_given_back", leg=leg, reason=str(error).splitlines()[0][:300])

    def _terms(self, session: Session, charged: Charged, now: datetime) -> tuple[Draw, Terms]:
        tenant = self._reader.tenant(session, charged.organisation)
        extension = tenant.extension(charged.extension)
        draw = Draw(
            organisation_id=tenant.organisation.id,
            switch=charged.switch,
            leg=charged.leg,
            call=charged.call,
            extension=charged.extension,
            number=charged.number,
            country=country_of(charged.number),
            gateway=charged.gateway,
        )
        rate = tenant.deck().find(charged.number, now)
        # Decided a moment ago, so there is such an extension, unless it was taken away since.
        allowance = allowance_of(extension.usage_limit) if extension is not None else allowance_of(None)
        organisation = tenant.organisation
        guard = extension.guard if extension is not None else organisation.guard
        return draw, Terms(organisation.timezone, rate, allowance, guard=guard, home=organisation.country)


def _refused(answer: Denied, charged: Charged, country: str, guard: Guard) -> NotGranted:
    metrics.LEASES_REFUSED.labels(answer.reason.value).inc()
    match answer.reason:
        case Denial.EXHAUSTED:
            text = f"{charged.extension} has used up its allowance of this month, or calls under way hold the rest"
            return NotGranted(Reason(Rule.ALLOWANCE_EXHAUSTED, text), Prompt.ALLOWANCE_EXHAUSTED)
        case Denial.UNPRICED:
            text = f"{charged.extension} is limited by amount, and {charged.number} has no rate"
            return NotGranted(Reason(Rule.NO_RATE, text), Prompt.NOT_ALLOWED)
        case Denial.TOO_MANY_CALLS:
            text = f"{charged.extension} has {guard.concurrent_calls} calls outside, as many as the guard lets it have"
            return NotGranted(Reason(Rule.TOO_MANY_CALLS, text), Prompt.TOO_MANY_CALLS)
        case Denial.TOO_MANY_NEW_COUNTRIES:
            most = f"no more than {guard.new_country_calls} such calls an hour"
            text = f"{country} is new to {charged.extension}, and the guard lets it make {most}"
            return NotGranted(Reason(Rule.TOO_MANY_NEW_COUNTRIES, text), Prompt.NEW_COUNTRY)
        case _:
            text = f"the call to {charged.number} was charged before"
            return NotGranted(Reason(Rule.CHARGED_BEFORE, text), Prompt.LINES_BUSY)
