"""A user sends the other side of a conversation on, to a key or a number: a call to an extension or a virtual line, or
an outgoing call of the extension that transfers.

Asked twice, with the same answer: before anything is done, so that one who may not is told and talks on, and when the
other side has arrived.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from bizpbx.policy.caller import Caller, inside, outside
from bizpbx.policy.caller_id import of_caller
from bizpbx.policy.devices import device_targets
from bizpbx.policy.emergency import emergency_number
from bizpbx.policy.failover import attempts
from bizpbx.policy.forwarding import forward
from bizpbx.policy.incoming import incoming
from bizpbx.policy.internal import owner_of, why_not
from bizpbx.policy.no_answer import wait
from bizpbx.policy.outbound_rule import first_match, translate
from bizpbx.policy.plan import Announce, Cause, HangUp, Plan, Play, Reason, Record, Ring, Stage, Step, kept_by
from bizpbx.policy.request import FromDevice, FromTransfer, FromTrunk, Request
from bizpbx.policy.rules import Rule
from bizpbx.policy.settings import Extension, OnForward, Tenant
from bizpbx.policy.virtual_line import virtual_line

RING_SECONDS = 60
"""That a number outside rings, as in a forward at no answer."""

_KEY = re.compile(r"[0-9]{2,6}")
_UNANSWERED: Step = HangUp(Stage.END)


def transferred(call: FromTransfer, request: Request, tenant: Tenant) -> Plan:
    """Where a conversation's other side goes. Denied by default; nothing else than what the extension that transfers
    may call itself."""
    by, device = owner_of(call.by, tenant)
    if by is None or device is None:
        return _refused(
            Cause.CALL_REJECTED, Reason(Rule.DEVICE_UNKNOWN, "the device that transfers is of no extension")
        )
    unusable = why_not(by, device)
    if unusable is not None:
        return _refused(Cause.CALL_REJECTED, unusable)
    off = switched_off(tenant)
    if off is not None:
        return replace(_refused(Cause.OUTGOING_CALL_BARRED, off), transferred_by=by.key)
    transfer = _Transfer(by, _party(call.party, by, tenant), tenant, request)
    return replace(transfer.plan(), transferred_by=by.key)


def switched_off(tenant: Tenant) -> Reason | None:
    """Why nobody of the organisation transfers; None: its users do."""
    if tenant.organisation.transfers:
        return None
    return Reason(Rule.TRANSFERS_OFF, f"{tenant.organisation.domain} has transfers by keys switched off")


def goes_through(plan: Plan) -> bool:
    """Whether there is anybody to transfer to; else nothing is to be done at all."""
    return any(not isinstance(step, Announce | HangUp) and step.stage is not Stage.BACK for step in plan.steps)


@dataclass(frozen=True, slots=True)
class _Transfer:
    by: Extension
    party: Caller
    tenant: Tenant
    request: Request

    def plan(self) -> Plan:
        """Refused where it was not when it was asked for, or asked for by nobody who could be told: the party is not
        hung up on for that."""
        plan = self._sent_on()
        return plan if goes_through(plan) else self._with_way_back(plan, plan.steps[-1])

    def _sent_on(self) -> Plan:
        dialled, by = self.request.dialled, self.by
        urgent = emergency_number(dialled, self.tenant.organisation.country)
        if urgent is not None:
            text = f"{urgent} is an emergency number: {by.key} has to call it, and stay on the line"
            return _refused(Cause.OUTGOING_CALL_BARRED, Reason(Rule.TRANSFER_EMERGENCY, text))
        started = Reason(Rule.TRANSFER, f"{by.key} transfers the call of {self.party.text}")
        if _KEY.fullmatch(dialled):
            if self.tenant.extension(dialled) is not None or self.tenant.virtual_line(dialled) is not None:
                return self._to_key(dialled, dialled, started, Reason(Rule.KEY, f"{by.key} dials the key {dialled}"))
            if first_match(dialled, by.rule) is None:
                text = f"{dialled} is no key of {self.tenant.organisation.domain} and in no dial plan"
                return _refused(Cause.UNALLOCATED_NUMBER, started, Reason(Rule.KEY_UNKNOWN, text))
        number, read = translate(dialled, by.rule)
        key = self.tenant.number_target(number) if number is not None else None
        if number is None or key is None:
            return self._to_number(started)
        did = Reason(Rule.DID, f"{number} is a number of the organisation and leads to {key}")
        return self._to_key(key, number, started, read, did)

    def _to_key(self, key: str, called: str, *before: Reason) -> Plan:
        by, party, tenant = self.by, self.party, self.tenant
        if key == by.key:
            return _refused(Cause.USER_BUSY, *before, Reason(Rule.OWN_KEY, f"{key} cannot transfer a call to itself"))
        if party.extension is not None and key == party.extension.key:
            text = f"{key} is the one that is transferred"
            return _refused(Cause.USER_BUSY, *before, Reason(Rule.TARGET_CALLER, text))
        line = tenant.virtual_line(key) if tenant.extension(key) is None else None
        if line is not None:
            return virtual_line(line, party, called, tenant, self.request.moment, before)
        callee = tenant.extension(key)
        if callee is None:
            return _refused(Cause.UNALLOCATED_NUMBER, *before, Reason(Rule.KEY_UNKNOWN, f"there is no extension {key}"))
        plan = incoming(callee, party, called, tenant, before)
        return self._with_way_back(plan) if goes_through(plan) else plan

    def _to_number(self, *before: Reason) -> Plan:
        # The party itself: whether a loop is closed, and what is shown, follows from who it is.
        onward, shows = forward(self.by, replace(self.party, shown_as=None), self.tenant)
        targets, reasons = onward.to_number(self.request.dialled)
        if not targets:
            return _refused(Cause.OUTGOING_CALL_BARRED, *before, *reasons)
        ring = onward.ring(Stage.RING, targets, RING_SECONDS)
        return self._with_way_back(Plan((*attempts(ring), HangUp(Stage.END)), (*before, *reasons, shows)))

    def _with_way_back(self, plan: Plan, last: Step = _UNANSWERED) -> Plan:
        """Where nobody takes the call and it would simply end, it rings at the extension that transferred it."""
        by, *_, end = self.by, *plan.steps
        targets = device_targets(by, self.tenant.organisation, "")
        taken_care_of = any(isinstance(step, Play | Record) or kept_by(step) is not None for step in plan.steps)
        if taken_care_of or by.do_not_disturb or not targets or not isinstance(end, HangUp):
            return plan
        shown = of_caller(replace(self.party, shown_as=None), self.tenant.organisation)
        back: Step = Ring(
            Stage.BACK,
            tuple(replace(target, number=shown.inside) for target in targets),
            wait(by),
            shown.name,
            shown.withheld,
        )
        text = f"nobody takes the call: it rings at {by.key}, which transferred it"
        return replace(
            plan,
            steps=(*plan.steps[:-1], back, last),
            reasons=(*plan.reasons, Reason(Rule.TRANSFER_BACK, text)),
        )


def _party(party: FromDevice | FromTrunk, by: Extension, tenant: Tenant) -> Caller:
    """Who is transferred, and whether the target is shown the extension that transfers in its place."""
    if isinstance(party, FromDevice):
        extension, _ = owner_of(party.sip_user, tenant)
        caller = inside(extension) if extension is not None else Caller(withheld=True)
    else:
        caller = outside(party, tenant.organisation)
    return replace(caller, shown_as=by) if by.on_forward is not OnForward.CALLER else caller


def _refused(cause: Cause, *reasons: Reason) -> Plan:
    return Plan((HangUp(Stage.END, cause),), reasons)
