"""Whether what extensions are said to have used is what the records of their calls come to, leg by leg and month by
month. Reads everything, changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bizpbx.metering.balance import Difference, differences
from bizpbx.metering.call_record import CallLeg, CallRecord
from bizpbx.metering.lease import Charge, Lease, LeaseState
from bizpbx.metering.leg import talk_time


class Kind(StrEnum):
    """What is wrong. All but `presumed` are faults."""

    MONTH = "month"
    """A month's row is not the sum of its charges and of what open leases hold."""
    TALK = "talk"
    """A leg was charged for another time than its record says."""
    UNSETTLED = "unsettled"
    """A leg is on record, and its lease is still open."""
    COST = "cost"
    """A call's cost is not the sum of its legs' charges."""
    PRESUMED = "presumed"
    """A leg was charged by what was seen of it last: there is no record. Not a fault, but worth a look at the carrier's
    bill."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not add up."""

    kind: Kind
    extension: str
    month: str | None
    leg: str | None
    text: str

    @property
    def fault(self) -> bool:
        return self.kind is not Kind.PRESUMED


def audit(session: Session, organisation_id: int) -> list[Finding]:
    """Everything of an organisation that does not add up, in a stable order. In one transaction, so that calls under
    way make no difference where the database gives it a snapshot (SQLite does; PostgreSQL: repeatable read)."""
    return [
        *(_month(one) for one in differences(session, organisation_id)),
        *_legs(session, organisation_id),
        *_costs(session, organisation_id),
    ]


def _month(difference: Difference) -> Finding:
    told, found = difference.told, difference.found
    text = (
        f"the month says {told.used_seconds} s and {told.used_amount} used, {told.reserved_seconds} s and"
        f" {told.reserved_amount} reserved; its charges and leases come to {found.used_seconds} s and"
        f" {found.used_amount}, {found.reserved_seconds} s and {found.reserved_amount}"
    )
    return Finding(Kind.MONTH, difference.key.extension, difference.key.month, None, text)


def _legs(session: Session, organisation_id: int) -> Iterator[Finding]:
    charged = (
        select(Charge.lease_id, func.sum(Charge.seconds).label("seconds"))
        .where(Charge.organisation_id == organisation_id)
        .group_by(Charge.lease_id)
        .subquery()
    )
    query = (
        select(
            Lease.extension,
            Lease.leg,
            Lease.state,
            Lease.zone,
            CallLeg.id.label("record"),
            CallLeg.answered,
            CallLeg.ended,
            func.coalesce(charged.c.seconds, 0).label("seconds"),
        )
        .outerjoin(CallLeg, (CallLeg.switch == Lease.switch) & (CallLeg.leg == Lease.leg))
        .outerjoin(charged, charged.c.lease_id == Lease.id)
        .where(Lease.organisation_id == organisation_id)
        .order_by(Lease.id)
        .execution_options(yield_per=1000)
    )
    for row in session.execute(query):
        if row.state is LeaseState.OPEN:
            if row.record is not None:
                text = "the leg is on record, and what it was granted has not been settled"
                yield Finding(Kind.UNSETTLED, row.extension, None, row.leg, text)
            continue
        if row.record is None:
            if row.state is LeaseState.PRESUMED:
                text = (
                    f"charged {row.seconds} s by what was seen of the leg last; there is no record of it"
                    if row.seconds
                    else "nothing charged: the leg was never seen talking, but there is no record of its call either"
                )
                yield Finding(Kind.PRESUMED, row.extension, None, row.leg, text)
            continue
        talked = talk_time(row.answered, row.ended)
        if talked != row.seconds:
            text = f"charged {row.seconds} s, and its record says {talked} s"
            yield Finding(Kind.TALK, row.extension, None, row.leg, text)


def _costs(session: Session, organisation_id: int) -> Iterator[Finding]:
    amounts = (
        # By the call that the legs are on record for: one that is transferred may have several who pay.
        select(
            CallLeg.switch,
            CallLeg.call,
            func.min(Lease.extension).label("extension"),
            func.sum(Charge.amount).label("amount"),
        )
        .join(Lease, (Lease.switch == CallLeg.switch) & (Lease.leg == CallLeg.leg))
        .join(Charge, (Charge.organisation_id == Lease.organisation_id) & (Charge.lease_id == Lease.id))
        .where(Lease.organisation_id == organisation_id)
        .group_by(CallLeg.switch, CallLeg.call)
        .subquery()
    )
    query = (
        select(amounts.c.call, amounts.c.extension, amounts.c.amount, CallRecord.cost)
        .join(CallRecord, (CallRecord.switch == amounts.c.switch) & (CallRecord.call == amounts.c.call))
        .order_by(amounts.c.call)
        .execution_options(yield_per=1000)
    )
    for call, extension, amount, cost in session.execute(query):
        if cost is None or cost != amount:
            text = f"the call is on record with {cost if cost is not None else 'no'} cost, and its legs with {amount}"
            yield Finding(Kind.COST, extension, None, call, text)
