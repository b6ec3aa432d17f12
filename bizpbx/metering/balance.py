"""Whether the ledger adds up: what is used is what was charged, what is reserved is what open leases hold."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bizpbx.metering.lease import Charge, Lease, LeaseGrant, LeaseState
from bizpbx.metering.usage import Key, Usage, UsageMonth


@dataclass(frozen=True, slots=True)
class Difference:
    """A month of an extension that does not add up: what its row says, and what its charges and grants come to."""

    key: Key
    told: Usage
    found: Usage


def differences(session: Session, organisation_id: int) -> list[Difference]:
    """The months of an organisation that do not add up, in order. A grant of a lease that has ended counts as nothing,
    so it is a difference too."""
    told = {
        Key(organisation_id, row.extension, row.month): Usage(
            row.used_seconds, row.used_amount, row.reserved_seconds, row.reserved_amount
        )
        for row in session.scalars(select(UsageMonth).where(UsageMonth.organisation_id == organisation_id))
    }
    found: defaultdict[Key, Usage] = defaultdict(Usage)
    charged = select(Charge.extension, Charge.month, func.sum(Charge.seconds), func.sum(Charge.amount)).where(
        Charge.organisation_id == organisation_id
    )
    for extension, month, seconds, amount in session.execute(charged.group_by(Charge.extension, Charge.month)):
        key = Key(organisation_id, extension, month)
        found[key] = found[key]._replace(used_seconds=int(seconds), used_amount=amount)
    held = (
        select(Lease.extension, LeaseGrant.month, func.sum(LeaseGrant.seconds), func.sum(LeaseGrant.amount))
        .join(Lease, (Lease.organisation_id == LeaseGrant.organisation_id) & (Lease.id == LeaseGrant.lease_id))
        .where(LeaseGrant.organisation_id == organisation_id, Lease.state == LeaseState.OPEN)
    )
    for extension, month, seconds, amount in session.execute(held.group_by(Lease.extension, LeaseGrant.month)):
        key = Key(organisation_id, extension, month)
        found[key] = found[key]._replace(reserved_seconds=int(seconds), reserved_amount=amount)
    nothing = Usage()
    return [
        Difference(key, told.get(key, nothing), found.get(key, nothing))
        for key in sorted({*told, *found})
        if told.get(key, nothing) != found.get(key, nothing)
    ]
