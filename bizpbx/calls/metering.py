"""Talk time is granted before a leg that costs something is dialled. What is not granted is not dialled."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import Final, Protocol

from bizpbx.calls.call import Arrival
from bizpbx.policy.plan import GatewayTarget, Lease, Reason, Ring, Target
from bizpbx.policy.prompt import Prompt

_LEGS: Final = uuid.UUID("6d3f2c0e-5b0e-5f57-9f3f-2b1f0c8f4a11")


@dataclass(frozen=True, slots=True)
class Charged:
    """A leg that is about to be dialled, and who pays for it."""

    switch: str
    leg: str
    """UUID that it is going to have."""
    call: str
    """The leg that the call came in on; or that is held meanwhile, if the call is made beside that one."""
    organisation: str
    """Domain."""
    extension: str
    """Key that pays."""
    number: str
    """What is dialled, E.164."""
    gateway: str
    """Name on the switch."""


@dataclass(frozen=True, slots=True)
class NotGranted:
    """The leg may not be dialled."""

    reason: Reason
    prompt: Prompt
    """What a caller is told who dialled the number."""


class Meter(Protocol):
    """Grants talk time. bizpbx.metering keeps the books."""

    def take(self, charged: Charged) -> Lease | NotGranted:
        """Reserve talk time for a leg, for good once this returns. Asked again for the same leg, by this controller or
        by another one, it grants the same time."""

    def give_back(self, switch: str, leg: str) -> None:
        """Release what was granted to a leg that did not come about, and may have left no record. Never raises."""


class Unmetered:
    """A meter that grants everything and keeps no books."""

    def take(self, charged: Charged) -> Lease | NotGranted:
        return Lease(charged.leg, None)

    def give_back(self, switch: str, leg: str) -> None:
        pass


def granted(ring: Ring, arrival: Arrival, meter: Meter) -> tuple[Ring | None, tuple[NotGranted, ...]]:
    """The ring with a lease on each leg that is paid for, without those not granted; None: nothing is left of it."""
    targets: list[Target] = []
    refused: list[NotGranted] = []
    for position, target in enumerate(ring.targets):
        if not isinstance(target, GatewayTarget) or target.charge is None:
            targets.append(target)
            continue
        leg = leg_of(arrival.id, ring, position, arrival.transfers)
        # A call beside one that is held is another one, for whom it may leave behind with that.
        call = arrival.holds or arrival.id
        charged = Charged(arrival.switch, leg, call, target.domain, target.charge, target.dial, target.gateway)
        lease = meter.take(charged)
        if isinstance(lease, NotGranted):
            refused.append(lease)
        else:
            targets.append(replace(target, lease=lease))
    return (replace(ring, targets=tuple(targets)) if targets else None), tuple(refused)


def give_back(ring: Ring, arrival: Arrival, meter: Meter) -> None:
    """Of a ring whose gateway failed: a leg that was never made has no record that would release its lease."""
    for target in ring.targets:
        if isinstance(target, GatewayTarget) and target.lease is not None:
            meter.give_back(arrival.switch, target.lease.leg)


def leg_of(call: str, ring: Ring, position: int, transfers: int = 0) -> str:
    """The UUID of a leg, the same whoever works it out: a controller that takes the call over finds the lease that the
    one before it took.

    >>> from bizpbx.policy.plan import Stage
    >>> leg_of("c", Ring(Stage.RING, (), 30, ""), 0) == leg_of("c", Ring(Stage.RING, (), 99, "x"), 0)
    True
    """
    step = (f"transfer {transfers}/" if transfers else "") + (f"{ring.section}/" if ring.section else "")
    return str(uuid.uuid5(_LEGS, f"{call}/{step}{ring.stage}/{ring.attempt}/{position}"))
