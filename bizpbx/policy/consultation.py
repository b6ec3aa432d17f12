"""A user has the other side of a conversation held, and calls somebody before it is sent there: his own call, decided
as any other of his. Asked twice, as a transfer is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise

from bizpbx.policy.caller import Caller, inside, outside
from bizpbx.policy.internal import from_device, owner_of
from bizpbx.policy.plan import (
    Cause,
    GatewayTarget,
    HangUp,
    Keep,
    Plan,
    Play,
    Reason,
    Record,
    Ring,
    Stage,
    Step,
    keeping,
)
from bizpbx.policy.request import FromConsultation, FromDevice, FromTrunk, Request
from bizpbx.policy.rules import Rule
from bizpbx.policy.settings import Tenant
from bizpbx.policy.transfer import switched_off


def consultation(call: FromConsultation, request: Request, tenant: Tenant) -> Plan:
    """What happens to the call. It ends where nobody takes it: who calls goes back to the one who is held, leaves no
    message, and is kept as no missed call."""
    by, _ = owner_of(call.by.sip_user, tenant)
    off = switched_off(tenant)
    if off is not None:
        return _refused(Cause.OUTGOING_CALL_BARRED, off)
    plan = from_device(call.by, request, tenant)
    if any(reason.rule in (Rule.EMERGENCY, Rule.EMERGENCY_NO_TRUNK) for reason in plan.reasons):
        text = "an emergency number has to be called with nobody held"
        return _refused(Cause.OUTGOING_CALL_BARRED, Reason(Rule.TRANSFER_EMERGENCY, text))
    key = by.key if by is not None else "?"
    held = _party(call.party, tenant) if call.party is not None else None
    if held is not None and _reaches(plan, held):
        text = f"{held.text} is the one that is held"
        return _refused(Cause.USER_BUSY, *plan.reasons, Reason(Rule.TARGET_CALLER, text))
    started = Reason(Rule.CONSULTATION, f"{key} has {held.text if held else 'the other side'} held and calls meanwhile")
    return replace(plan, steps=tuple(_rung(plan.steps)), reasons=(started, *plan.reasons))


def _rung(steps: Iterable[Step]) -> Iterator[Step]:
    """The steps without what is said to, and kept of, one whom nobody answers. The messages of a virtual line are part
    of the way."""
    for step, following in pairwise((*steps, None)):
        assert step is not None
        if isinstance(step, Record | Keep):
            continue
        if isinstance(step, Play) and (not step.section or isinstance(following, Record)):
            continue
        yield keeping(step, None)


def _party(party: FromDevice | FromTrunk, tenant: Tenant) -> Caller:
    if isinstance(party, FromTrunk):
        return outside(party, tenant.organisation)
    extension, _ = owner_of(party.sip_user, tenant)
    return inside(extension) if extension is not None else Caller(withheld=True)


def _reaches(plan: Plan, held: Caller) -> bool:
    """Whether the one who is held would be called."""
    if held.extension is not None:
        return plan.callee == held.extension.key
    numbers = {held.number, held.hidden} - {None}
    rings = [step for step in plan.steps if isinstance(step, Ring)]
    return any(
        isinstance(target, GatewayTarget) and target.dial in numbers for ring in rings for target in ring.targets
    )


def _refused(cause: Cause, *reasons: Reason) -> Plan:
    return Plan((HangUp(Stage.END, cause),), reasons)
