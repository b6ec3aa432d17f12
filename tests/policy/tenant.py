"""An organisation in memory, and short ways to place calls in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bizpbx.policy.decide import decide
from bizpbx.policy.line import VirtualLine
from bizpbx.policy.plan import DeviceTarget, GatewayTarget, HangUp, Plan, Ring, Stage, Target
from bizpbx.policy.request import FromDevice, FromTrunk, Request
from bizpbx.policy.settings import (
    CountryAccess,
    Device,
    DeviceKind,
    DialPlanEntry,
    Extension,
    Forwarding,
    Gateway,
    NoAnswer,
    NoAnswerAction,
    Organisation,
    OutboundRule,
    Tenant,
)

DOMAIN = "acme.example"
MAIN = "+6564291310"
CARRIER = Gateway("carrier", "carrier.acme.example", "192.0.2.1", trunk=True)
ACME = Organisation(1, "Acme", DOMAIN, "Asia/Singapore", "SG", main_number=MAIN, trunks=(CARRIER,))
SINGAPORE = DialPlanEntry(starts_with=("3", "6", "8", "9"), length=8, strip=0, prepend="65")
STANDARD = OutboundRule(
    "Standard",
    CARRIER,
    dial_plan=(SINGAPORE,),
    countries=(("SG", CountryAccess.ALLOWED), ("VN", CountryAccess.ALLOWED), ("AF", CountryAccess.PASSCODE)),
)


@dataclass(frozen=True)
class MemoryTenant:
    """The `Tenant` of the policy, filled by hand."""

    organisation: Organisation = ACME
    extensions: Mapping[str, Extension] = field(default_factory=dict)
    numbers: Mapping[str, str | None] = field(default_factory=dict)
    lines: Mapping[str, VirtualLine] = field(default_factory=dict)
    payers: Mapping[str, Extension] = field(default_factory=dict)
    """Gateway that calls out → who pays, under the gateway's rule."""

    def extension(self, key: str) -> Extension | None:
        return self.extensions.get(key)

    def virtual_line(self, key: str) -> VirtualLine | None:
        return self.lines.get(key)

    def number_target(self, e164: str) -> str | None:
        return self.numbers.get(e164)

    def owns(self, e164: str) -> bool:
        return e164 in self.numbers

    def gateway_payer(self, name: str) -> Extension | None:
        return self.payers.get(name)


_: type[Tenant] = MemoryTenant


def device(key: str, kind: DeviceKind, **changes: object) -> Device:
    """An activated, licensed device that rings."""
    return replace(Device(kind, f"{key}-{kind}", active=True, licensed=True, rings=True), **changes)  # type: ignore[arg-type]


def extension(key: str, *kinds: DeviceKind, **settings: object) -> Extension:
    """An extension with these devices, an IP phone unless told, under the standard rule."""
    settings.setdefault("devices", tuple(device(key, kind) for kind in kinds or (DeviceKind.IP_PHONE,)))
    settings.setdefault("rule", STANDARD)
    return Extension(key, f"Desk {key}", **settings)  # type: ignore[arg-type]


def tenant(*extensions: Extension, numbers: Mapping[str, str | None] | None = None, **changes: object) -> MemoryTenant:
    """Acme with these extensions; its main number leads to 100 unless told."""
    return MemoryTenant(
        replace(ACME, **changes),  # type: ignore[arg-type]
        {each.key: each for each in extensions},
        {MAIN: "100"} if numbers is None else numbers,
    )


def forwarding(*extensions: str, number: str | None = None, vip: tuple[str, ...] = ()) -> Forwarding:
    """Forwarding that is on. VIPs that start with `+` are numbers, the others keys."""
    numbers = frozenset(each for each in vip if each.startswith("+"))
    return Forwarding(True, number, extensions, numbers, frozenset(vip) - numbers)


def forward_to(number: str, wait: int = 20) -> NoAnswer:
    """A no-answer setting that forwards."""
    return NoAnswer(NoAnswerAction.FORWARD, wait, number)


def from_outside(where: Tenant, number: str | None, dialled: str = MAIN, **call: object) -> Plan:
    """A call through a trunk."""
    return decide(Request(FromTrunk(number, **call), dialled), where)  # type: ignore[arg-type]


def from_inside(where: Tenant, key: str, dialled: str, kind: DeviceKind = DeviceKind.IP_PHONE) -> Plan:
    """A call of one of the organisation's devices."""
    return decide(Request(FromDevice(f"{key}-{kind}"), dialled), where)


def ring_of(plan: Plan, stage: Stage = Stage.RING) -> Ring:
    """The ring of a stage; the test fails if there is none."""
    return next(step for step in plan.steps if isinstance(step, Ring) and step.stage is stage)


def end_of(plan: Plan) -> HangUp:
    """The last step."""
    last = plan.steps[-1]
    assert isinstance(last, HangUp)
    return last


def targets_of(plan: Plan) -> list[Target]:
    """Everything that a plan can ring."""
    return [target for step in plan.steps if isinstance(step, Ring) for target in step.targets]


def who_rings(plan: Plan, stage: Stage = Stage.RING) -> list[str]:
    """SIP users, and numbers behind gateways, that ring together in a stage."""
    rings = [step for step in plan.steps if isinstance(step, Ring) and step.stage is stage]
    return [name_of(target) for ring in rings for target in ring.targets]


def name_of(target: Target) -> str:
    return target.dial if isinstance(target, GatewayTarget) else target.sip_user


def shown_to(plan: Plan, name: str) -> str:
    """The number that a target sees."""
    return next(target.number for target in targets_of(plan) if name_of(target) == name)


def rules_of(plan: Plan) -> list[str]:
    return [reason.rule for reason in plan.reasons]


def device_targets(plan: Plan) -> list[DeviceTarget]:
    return [target for target in targets_of(plan) if isinstance(target, DeviceTarget)]


def gateway_targets(plan: Plan) -> list[GatewayTarget]:
    return [target for target in targets_of(plan) if isinstance(target, GatewayTarget)]
