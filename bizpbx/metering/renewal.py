"""More time for legs that are talking, before what they were granted has run out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session

from bizpbx.metering.allowance import UNLIMITED, Allowance, Part, Parts, charges, extended
from bizpbx.metering.lease import GRANTED, LEASES, RATE, Lease, LeaseState, rate_of
from bizpbx.metering.taking import write_grants
from bizpbx.metering.terms import SLICE, Extended
from bizpbx.metering.usage import Key, locked, reserve

SOONEST = timedelta(seconds=2)
"""A lease is looked at again when half of its rest is over, refused or not, until that is nearer than this: other calls
may have given something back."""


def due(session: Session, switch: str, now: datetime, most: int = 500) -> list[Lease]:
    """The leases of a switch that it is time to renew, the most urgent first. Those without `answered_at` may ring
    still: the switch knows."""
    query = (
        select(Lease)
        .where(Lease.switch == switch, Lease.state == LeaseState.OPEN, Lease.renew_at <= now)
        .order_by(Lease.renew_at, Lease.id)
        .limit(most)
    )
    return list(session.scalars(query))


def open_on(session: Session, switch: str) -> list[Lease]:
    """The open leases of a switch: legs that ring or talk, or are gone without a word of theirs."""
    query = select(Lease).where(Lease.switch == switch, Lease.state == LeaseState.OPEN).order_by(Lease.id)
    return list(session.scalars(query))


def answered(session: Session, switch: str, leg: str, at: datetime) -> None:
    """Put on record when a leg was answered, as the switch says; what it was granted counts from then. The first word
    counts; legs without an open lease are passed over."""
    row = session.connection().execute(HELD, {"switch": switch, "leg": leg}).one_or_none()
    if row is None or row.state is not LeaseState.OPEN or row.answered_at is not None:
        return
    half = row.granted_seconds / 2 if row.granted_seconds is not None else None
    session.connection().execute(
        RENEWED,
        {
            "of_lease": row.id,
            "granted_seconds": row.granted_seconds,
            "answered_at": at,
            "renew_at": at + timedelta(seconds=half) if half is not None else None,
        },
    )


def seen(session: Session, switch: str, legs: Sequence[str], at: datetime) -> None:
    """Put on record that these legs talk: should they and all controllers end without another word, they are charged
    until then."""
    session.connection().execute(SEEN, {"of_switch": switch, "of_legs": list(legs), "seen_at": at})


def renew(
    session: Session,
    switch: str,
    leg: str,
    answered_at: datetime,
    allowance: Allowance,
    now: datetime,
    preferred: int = SLICE,
) -> Extended | None:
    """Grant a leg that was answered at `answered_at` more seconds, of what its extension has left under the allowance
    of now; at the rate it began with. None: there is no such open lease, or nothing limits it.

    The switch is told after the transaction is committed. What was granted before stays granted.
    """
    lease = session.connection().execute(HELD, {"switch": switch, "leg": leg}).one_or_none()
    if lease is None or lease.state is not LeaseState.OPEN or lease.granted_seconds is None:
        return None
    granted: int = lease.granted_seconds
    since = lease.answered_at or answered_at
    rate = rate_of(lease)
    ours = {"organisations": [lease.organisation_id], "leases": [lease.id]}
    held = {row.month: Part(row.seconds, row.amount) for row in session.connection().execute(GRANTS, ours)}

    def needs(talk: int) -> Parts:
        return charges(since, talk, rate, lease.zone)

    top = max(granted, ceil((now - since).total_seconds()) + preferred)
    usage = locked(session, lease.organisation_id, lease.extension, {*held, *needs(top)})
    left = {month: one.left(allowance) for month, one in usage.items()}
    unpriced = allowance.amount is not None and rate is None
    seconds = granted if unpriced else extended(granted, top, needs, held, left, allowance)
    # What it had before is not taken away, whatever became of the allowance.
    bound = allowance if seconds > granted else UNLIMITED
    parts = needs(seconds)
    for month in sorted({*held, *parts}):
        before, after = held.get(month, Part()), parts.get(month, Part())
        more = Part(after.seconds - before.seconds, after.amount - before.amount)
        if more != Part() and not reserve(session, Key(lease.organisation_id, lease.extension, month), more, bound):
            raise RuntimeError("a month's allowance changed under its lock")
    if parts != held:
        session.connection().execute(UNHELD, ours)
        write_grants(session, lease.organisation_id, lease.id, parts)
    end = since + timedelta(seconds=seconds)
    again = now + (end - now) / 2
    session.connection().execute(
        RENEWED,
        {
            "of_lease": lease.id,
            "granted_seconds": seconds,
            "answered_at": since,
            "renew_at": again if end - again >= SOONEST else None,
        },
    )
    return Extended(seconds, seconds - granted)


HELD = (
    select(
        LEASES.c.id,
        LEASES.c.organisation_id,
        LEASES.c.extension,
        LEASES.c.state,
        LEASES.c.zone,
        *RATE,
        LEASES.c.granted_seconds,
        LEASES.c.answered_at,
    )
    .where(LEASES.c.switch == bindparam("switch"), LEASES.c.leg == bindparam("leg"))
    .with_for_update()
)

RENEWED = (
    update(LEASES)
    .where(LEASES.c.id == bindparam("of_lease"))
    .values(
        granted_seconds=bindparam("granted_seconds"),
        answered_at=bindparam("answered_at"),
        renew_at=bindparam("renew_at"),
    )
)

SEEN = (
    update(LEASES)
    .where(
        LEASES.c.switch == bindparam("of_switch"),
        LEASES.c.leg.in_(bindparam("of_legs", expanding=True)),
        LEASES.c.state == LeaseState.OPEN,
    )
    .values(seen_at=bindparam("seen_at"))
)

# A query of its own: joined to the lease it would show what was held before the wait for the lease's lock. The
# organisation is named for it leads the primary key: without it every grant there is would be looked at.
GRANTS = select(GRANTED.c.lease_id, GRANTED.c.month, GRANTED.c.seconds, GRANTED.c.amount).where(
    GRANTED.c.organisation_id.in_(bindparam("organisations", expanding=True)),
    GRANTED.c.lease_id.in_(bindparam("leases", expanding=True)),
)

UNHELD = delete(GRANTED).where(
    GRANTED.c.organisation_id.in_(bindparam("organisations", expanding=True)),
    GRANTED.c.lease_id.in_(bindparam("leases", expanding=True)),
)
