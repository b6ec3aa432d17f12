"""What an admin sees of the guard against toll fraud, and what he lets through."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bizpbx.metering.guard import MEMORY
from bizpbx.metering.guard_record import GuardCountry, GuardRefusal

LATELY = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Calls of an extension to a country that were refused for one reason."""

    extension: str
    country: str
    number: str
    """That was dialled last."""
    reason: str
    times: int
    first_at: datetime
    last_at: datetime
    allowed_until: datetime | None
    """Until when the country is not new to the extension, because an admin said so; None: nobody did."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """A country that an admin let an extension call."""

    extension: str
    country: str
    until: datetime


def refused_lately(session: Session, organisation_id: int, now: datetime) -> list[Refusal]:
    """Of an organisation, the latest first."""
    query = (
        select(GuardRefusal, GuardCountry.allowed_at)
        .outerjoin(
            GuardCountry,
            (GuardCountry.organisation_id == GuardRefusal.organisation_id)
            & (GuardCountry.extension == GuardRefusal.extension)
            & (GuardCountry.country == GuardRefusal.country)
            & (GuardCountry.allowed_at > now - MEMORY),
        )
        .where(GuardRefusal.organisation_id == organisation_id, GuardRefusal.last_at > now - LATELY)
        .order_by(GuardRefusal.last_at.desc(), GuardRefusal.extension, GuardRefusal.country, GuardRefusal.reason)
    )
    return [
        Refusal(
            row.extension,
            row.country,
            row.number,
            row.reason,
            row.times,
            row.first_at,
            row.last_at,
            allowed_at + MEMORY if allowed_at is not None else None,
        )
        for row, allowed_at in session.execute(query)
    ]


def allow(
    session: Session, organisation_id: int, extension: str, country: str, now: datetime
) -> tuple[datetime | None, datetime]:
    """From now on a country is not new to an extension, as after a call that was charged. Returns until when that was
    so already, and until when it is."""
    row = session.get(GuardCountry, (organisation_id, extension, country), with_for_update=True)
    if row is None:
        session.add(GuardCountry(organisation_id=organisation_id, extension=extension, country=country, allowed_at=now))
        return None, now + MEMORY
    before = row.allowed_at + MEMORY
    row.allowed_at = now
    return before if before > now else None, now + MEMORY


def allowed(session: Session, organisation_id: int, now: datetime) -> list[Allowance]:
    """What an admin has let through, by extension and country."""
    query = (
        select(GuardCountry)
        .where(GuardCountry.organisation_id == organisation_id, GuardCountry.allowed_at > now - MEMORY)
        .order_by(GuardCountry.extension, GuardCountry.country)
    )
    return [Allowance(row.extension, row.country, row.allowed_at + MEMORY) for row in session.scalars(query)]


def revoke(session: Session, organisation_id: int, extension: str, country: str, now: datetime) -> datetime | None:
    """Take back what `allow` did. Returns until when it would have been so; None: it was not."""
    row = session.get(GuardCountry, (organisation_id, extension, country), with_for_update=True)
    if row is None:
        return None
    until = row.allowed_at + MEMORY
    session.delete(row)
    return until if until > now else None
