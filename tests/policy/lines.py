"""Virtual lines in memory, and what becomes of a call to one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bizpbx.policy.decide import decide
from bizpbx.policy.line import (
    DAY,
    ForwardTo,
    GatherDigit,
    HangUpStep,
    Hours,
    LineStep,
    PlayMessage,
    RecordMissedCall,
    RingExtensions,
    VirtualLine,
)
from bizpbx.policy.plan import Gather, GoOn, HangUp, Plan, Ring, Step
from bizpbx.policy.request import FromTrunk, Request
from bizpbx.policy.settings import Extension
from tests.policy.tenant import MAIN, MemoryTenant, name_of, tenant

KEY = "800"


def ring(*keys: str, seconds: int = 20, name: str | None = None, to: str | None = None) -> LineStep:
    return LineStep(RingExtensions(keys, seconds), name, to)


def forward(
    number: str, payer: str | None = "100", seconds: int = 30, name: str | None = None, to: str | None = None
) -> LineStep:
    return LineStep(ForwardTo(number, payer, seconds), name, to)


def menu(
    none: str | None = None, tries: int = 1, name: str | None = None, sound: str | None = None, **digits: str
) -> LineStep:
    """`menu(d1="sales")`: key 1 leads to the step sales."""
    return LineStep(GatherDigit(tuple((key[1:], to) for key, to in digits.items()), none, 5, tries, sound), name)


def play(sound: str, answer: bool = True, name: str | None = None, to: str | None = None) -> LineStep:
    return LineStep(PlayMessage(sound, answer), name, to)


def missed_call(key: str, name: str | None = None, to: str | None = None) -> LineStep:
    return LineStep(RecordMissedCall(key), name, to)


def hours(otherwise: str, days: str = "0123456", begin: int = 0, end: int = DAY, name: str | None = None) -> LineStep:
    return LineStep(Hours(frozenset(map(int, days)), begin, end, otherwise), name)


def hang_up(name: str | None = None) -> LineStep:
    return LineStep(HangUpStep(), name)


def line(*steps: LineStep, key: str = KEY, label: str = "Main line") -> VirtualLine:
    return VirtualLine(key, label, steps)


def acme(
    lines: Sequence[VirtualLine], *extensions: Extension, numbers: dict[str, str] | None = None, **changes: object
) -> MemoryTenant:
    """Acme, whose main number leads to the line 800 unless told."""
    made = tenant(*extensions, numbers={MAIN: KEY} if numbers is None else numbers, **changes)
    return replace(made, lines={each.key: each for each in lines})


def call(where: MemoryTenant, moment: datetime | None = None, number: str | None = "+6581112222") -> Plan:
    """Somebody outside calls the main number."""
    return decide(Request(FromTrunk(number), MAIN, moment=moment), where)


def told(plan: Plan) -> list[str]:
    """Each step in a word, with its section."""
    return [f"{step.section} {_word(step)}" for step in plan.steps]


def _word(step: Step) -> str:
    match step:
        case Ring():
            again = f" attempt {step.attempt}" if step.attempt else ""
            return f"{step.stage} {' '.join(name_of(target) for target in step.targets)}{again}"
        case Gather():
            return "gather " + " ".join(f"{key}={to}" for key, to in step.sections) + f" none={step.otherwise}"
        case GoOn():
            return f"go on {step.to}"
        case HangUp():
            return "hang up"
    return str(step.stage)


def walk(plan: Plan, keys: str = "") -> list[Step]:
    """The steps that are carried out if nobody answers, the caller presses these keys, and gateways do not fail."""
    done: list[Step] = []
    onward, pressed = 0, iter(keys)
    for step in plan.steps:
        if step.section < onward or (isinstance(step, Ring) and step.attempt):
            continue
        if isinstance(step, GoOn):
            onward = step.to
            continue
        done.append(step)
        if isinstance(step, Gather):
            onward = dict(step.sections).get(next(pressed, ""), step.otherwise)
        if isinstance(step, HangUp):
            break
    return done


def rung(plan: Plan, keys: str = "") -> list[list[str]]:
    """What rings, one ring after the other."""
    return [[name_of(target) for target in step.targets] for step in walk(plan, keys) if isinstance(step, Ring)]
