"""Whether the ledger adds up: what is used is what was charged, what is reserved is what open leases hold."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, CompoundSelect, bindparam, cast, func, literal, select, union_all
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
    so it is a difference too. Calls may come and go meanwhile."""
    told: dict[Key, Usage] = {}
    found: defaultdict[Key, Usage] = defaultdict(Usage)
    for what, extension, month, seconds, amount, reserved_seconds, reserved_amount in session.execute(
        BOOKS, {"organisation_id": organisation_id}
    ):
        key = Key(organisation_id, extension, month)
        match what:
            case "told":
                told[key] = Usage(int(seconds), amount, int(reserved_seconds), reserved_amount)
            case "charged":
                found[key] = found[key]._replace(used_seconds=int(seconds), used_amount=amount)
            case _:
                found[key] = found[key]._replace(reserved_seconds=int(seconds), reserved_amount=amount)
    nothing = Usage()
    return [
        Difference(key, told.get(key, nothing), found.get(key, nothing))
        for key in sorted({*told, *found})
        if told.get(key, nothing) != found.get(key, nothing)
    ]


_NO_SECONDS = cast(literal(0), BigInteger)
_NO_AMOUNT = cast(literal(0), BigInteger)

# One statement is one moment: of several, each would see the calls that came and went since the one before.
BOOKS: CompoundSelect[Any] = union_all(
    select(
        literal("told"),
        UsageMonth.extension,
        UsageMonth.month,
        UsageMonth.used_seconds,
        UsageMonth.used_amount,
        UsageMonth.reserved_seconds,
        UsageMonth.reserved_amount,
    ).where(UsageMonth.organisation_id == bindparam("organisation_id")),
    select(
        literal("charged"),
        Charge.extension,
        Charge.month,
        func.sum(Charge.seconds),
        func.sum(Charge.amount),
        _NO_SECONDS,
        _NO_AMOUNT,
    )
    .where(Charge.organisation_id == bindparam("organisation_id"))
    .group_by(Charge.extension, Charge.month),
    select(
        literal("held"),
        Lease.extension,
        LeaseGrant.month,
        func.sum(LeaseGrant.seconds),
        func.sum(LeaseGrant.amount),
        _NO_SECONDS,
        _NO_AMOUNT,
    )
    .join(Lease, (Lease.organisation_id == LeaseGrant.organisation_id) & (Lease.id == LeaseGrant.lease_id))
    .where(LeaseGrant.organisation_id == bindparam("organisation_id"), Lease.state == LeaseState.OPEN)
    .group_by(Lease.extension, LeaseGrant.month),
)
