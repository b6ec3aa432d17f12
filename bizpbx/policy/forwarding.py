"""Where a forwarded call rings: extensions of the organisation, and a number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bizpbx.policy.caller import Caller, own_number
from bizpbx.policy.caller_id import Shown, on_forward, presented
from bizpbx.policy.devices import device_targets
from bizpbx.policy.outbound_rule import translate
from bizpbx.policy.outgoing import Refusal, route
from bizpbx.policy.plan import GatewayTarget, Reason, Ring, Stage, Target
from bizpbx.policy.rules import Rule
from bizpbx.policy.settings import Extension, OnForward, Tenant

MOST_DIVERSIONS = 3
"""A call that was diverted this often is not sent out again: a loop that hides its numbers ends here."""


def place(target: Target) -> tuple[str, str]:
    """What rings, whatever it is shown."""
    if isinstance(target, GatewayTarget):
        return target.gateway, target.dial
    return target.domain, target.sip_user


def unrung(targets: Iterable[Target], rang: tuple[Target, ...]) -> tuple[Target, ...]:
    """Each target once, without those that have rung."""
    seen = {place(target) for target in rang}
    return tuple({place(target): target for target in targets if place(target) not in seen}.values())


@dataclass(frozen=True, slots=True)
class Forward:
    """One forward: the extension that forwards, its caller, and the targets that have rung before."""

    owner: Extension
    caller: Caller
    tenant: Tenant
    shown: Shown
    rang: tuple[Target, ...] = ()

    def to_extension(self, key: str) -> tuple[tuple[Target, ...], tuple[Reason, ...]]:
        """The devices of an extension, and why some do not ring. Its own forwarding and gateway mapping are not
        followed: a forward is one hop."""
        target = self.tenant.extension(key)
        if key == self.owner.key:
            return (), (Reason(Rule.TARGET_SELF, f"{key} does not forward to itself"),)
        if self.caller.extension is not None and key == self.caller.extension.key:
            return (), (Reason(Rule.TARGET_CALLER, f"{key} is skipped: it is the one that calls"),)
        if target is None:
            return (), (Reason(Rule.TARGET_UNKNOWN, f"{key} is skipped: there is no such extension"),)
        if target.do_not_disturb:
            return (), (Reason(Rule.TARGET_DO_NOT_DISTURB, f"{key} is skipped: do not disturb is on"),)
        devices = device_targets(target, self.tenant.organisation, self.shown.inside)
        if not devices:
            return (), (Reason(Rule.TARGET_NO_DEVICE, f"{key} is skipped: it has no usable device that rings"),)
        fresh = unrung(devices, self.rang)
        if not fresh:
            return (), (Reason(Rule.TARGET_RANG, f"{key} is skipped: it has rung for this call already"),)
        return fresh, ()

    def to_number(self, text: str) -> tuple[tuple[Target, ...], tuple[Reason, ...]]:
        """A number, as an outgoing call of the owner; one of the organisation's own DIDs stays inside."""
        number, read = translate(text, self.owner.rule)
        if number is None:
            return (), (read,)
        key = self.tenant.number_target(number)
        if key is not None:
            inside = Reason(Rule.FORWARD_INSIDE, f"{number} is a number of the organisation and leads to {key}")
            targets, reasons = self.to_extension(key)
            return targets, (read, inside, *reasons)
        loop = self._loop(number)
        if loop is not None:
            return (), (read, loop)
        way = route(self.owner, number, self.tenant.organisation)
        if isinstance(way, Refusal):
            return (), (read, *way.reasons)
        shown = self.shown.outside if self.owner.on_forward is OnForward.CALLER else way.presented
        domain = self.tenant.organisation.domain
        target = way.target(number, shown, domain)
        if not unrung((target,), self.rang):
            return (), (read, Reason(Rule.TARGET_RANG, f"{number} is skipped: it has rung for this call already"))
        made = Reason(
            Rule.FORWARD_NUMBER,
            f"{number} is called through {way.through} as an outgoing call of {self.owner.key}",
        )
        return (target,), (read, *way.reasons, made)

    def ring(self, stage: Stage, targets: tuple[Target, ...], timeout: int) -> Ring:
        """Ring these targets together, for `timeout` seconds, telling them who forwarded."""
        outside = targets[0].number if all(isinstance(target, GatewayTarget) for target in targets) else None
        called = next((target.dial for target in targets if isinstance(target, GatewayTarget)), None)
        itself = presented(self.owner, self.tenant.organisation, called)
        return Ring(
            stage=stage,
            targets=targets,
            timeout=timeout,
            caller_name=outside if outside is not None and not self.shown.withheld else self.shown.name,
            withheld=self.shown.withheld,
            diverted_by=itself or self.owner.key,
        )

    def _loop(self, number: str) -> Reason | None:
        """Why a call that came from outside is not sent out again to this number."""
        caller, key = self.caller, self.owner.key
        if caller.number == number:
            return Reason(Rule.LOOP, f"{number} is not called: it is the one that calls")
        for seen in (*caller.diverted_by, caller.number, caller.hidden):
            if seen is not None and own_number(seen, self.owner, self.tenant):
                text = f"{number} is not called: this call of {key} was sent out before, it comes back from {seen}"
                return Reason(Rule.LOOP, text)
        if caller.diversions >= MOST_DIVERSIONS:
            text = f"{number} is not called: this call of {key} was diverted {caller.diversions} times before"
            return Reason(Rule.DIVERSIONS, text)
        return None


def forward(owner: Extension, caller: Caller, tenant: Tenant, rang: tuple[Target, ...] = ()) -> tuple[Forward, Reason]:
    """Start a forward of an extension, with what its targets are shown."""
    shown, reason = on_forward(owner, caller, tenant.organisation)
    return Forward(owner, caller, tenant, shown, rang), reason
