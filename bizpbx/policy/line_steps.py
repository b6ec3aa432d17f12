"""What each step of a virtual line comes to for one call: the plan's steps for it, why, and where it leads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from bizpbx.policy.caller import Caller
from bizpbx.policy.failover import attempts
from bizpbx.policy.forwarding import forward, unrung
from bizpbx.policy.incoming import incoming
from bizpbx.policy.line import (
    WEEKDAYS,
    ForwardTo,
    GatherDigit,
    HangUpStep,
    Hours,
    PlayMessage,
    RecordMissedCall,
    RingExtensions,
    VirtualLine,
    clock,
)
from bizpbx.policy.line_graph import Node, after, place_of
from bizpbx.policy.names import clean_name
from bizpbx.policy.no_answer import kept_call
from bizpbx.policy.plan import Gather, HangUp, Keep, Plan, Play, Reason, Ring, Stage, Step
from bizpbx.policy.rules import Rule
from bizpbx.policy.settings import Extension, ExtensionType, NoAnswer, NoAnswerAction, Tenant

_OF_THE_CALL: Final = frozenset({Rule.WITHHELD, Rule.NO_ANSWER_HANG_UP})
"""What the call to an extension says that is no news in a line, or not true of it."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one step comes to."""

    steps: tuple[Step, ...]
    reasons: tuple[Reason, ...]
    exits: tuple[Node | None, ...]
    """Where it can lead to; none: the call ends with it. With more than one, the steps themselves say which."""


def line_of(called: str, tenant: Tenant) -> VirtualLine | None:
    """The line that a key, or a DID (E.164), leads to."""
    key = tenant.number_target(called) if called.startswith("+") else called
    return tenant.virtual_line(key) if key is not None else None


def section_of(node: Node | None, sections: Mapping[Node, int]) -> int:
    """The end has the last one, and so has a step that is in no order, since it is on a way round in a circle."""
    return sections.get(node, len(sections) + 1) if node is not None else len(sections) + 1


@dataclass(frozen=True, slots=True)
class LineCall:
    """One call on its way through lines."""

    caller: Caller
    called: str
    tenant: Tenant
    clock: datetime | None
    """The organisation's, when the call came in."""
    sections: Mapping[Node, int]

    def part(self, node: Node) -> Part:
        line = self.tenant.virtual_line(node.line)
        if line is None:
            return Part((), (), (None,))
        step, where = line.steps[node.position], line.place(node.position)
        onward = after(line, node.position)
        match step.action:
            case PlayMessage(sound, answer):
                told = Reason(Rule.LINE_MESSAGE, f"{where} plays a message{', and answers before' if answer else ''}")
                return Part((Play(Stage.MESSAGE, sound, answer),), (told,), (onward,))
            case RingExtensions(extensions, seconds):
                return self._ring(line, where, extensions, seconds, onward)
            case ForwardTo():
                return self._forward(line, where, step.action, onward)
            case GatherDigit():
                return self._gather(line, node, where, step.action)
            case Hours():
                return self._hours(line, node, where, step.action, onward)
            case RecordMissedCall(key):
                return self._missed_call(where, key, onward)
            case HangUpStep():
                return Part((HangUp(Stage.END),), (Reason(Rule.LINE_HANG_UP, f"{where} hangs up"),), ())

    def _ring(self, line: VirtualLine, where: str, keys: tuple[str, ...], seconds: int, onward: Node | None) -> Part:
        if onward is None and len(keys) == 1:
            callee, why = self._callee(keys[0])
            if callee is None:
                return Part((), why, (None,))
            text = f"{where} is the last and rings {callee.key} for {seconds} s: its own no-answer settings count"
            normal = callee.type is ExtensionType.NORMAL
            own = replace(callee.no_answer, wait=seconds) if normal else NoAnswer(wait=seconds)
            plan = self._alone(replace(callee, type=ExtensionType.NORMAL, no_answer=own))
            return Part(plan.steps, (Reason(Rule.LINE_RING, text), *_news(plan, keeps_end=True)), ())
        told = Reason(Rule.LINE_RING, f"{where} rings {', '.join(keys)} for {seconds} s")
        rings, reasons = self._rings(keys, seconds)
        if not rings:
            return Part((), (told, *reasons, _nobody(where)), (onward,))
        return Part(attempts(_together(rings, line)), (told, *reasons), (onward,))

    def _rings(self, keys: tuple[str, ...], seconds: int) -> tuple[list[Ring], tuple[Reason, ...]]:
        """What calls to each of the extensions alone would ring at first, without what follows."""
        rings: list[Ring] = []
        reasons: tuple[Reason, ...] = ()
        for key in dict.fromkeys(keys):
            callee, why = self._callee(key)
            if callee is not None and callee.do_not_disturb and callee.gateway is None:
                callee, why = None, (Reason(Rule.TARGET_DO_NOT_DISTURB, f"{key} is skipped: do not disturb is on"),)
            if callee is not None:
                quiet = replace(callee, type=ExtensionType.NORMAL, no_answer=NoAnswer(wait=seconds))
                plan = self._alone(quiet)
                rings += [step for step in plan.steps if isinstance(step, Ring) and not step.attempt]
                why = _news(plan)
            reasons += why
        return rings, reasons

    def _callee(self, key: str) -> tuple[Extension | None, tuple[Reason, ...]]:
        found = self.tenant.extension(key)
        if found is None:
            return None, (Reason(Rule.TARGET_UNKNOWN, f"{key} is skipped: there is no such extension"),)
        if self.caller.extension is not None and key == self.caller.extension.key:
            return None, (Reason(Rule.TARGET_CALLER, f"{key} is skipped: it is the one that calls"),)
        return found, ()

    def _alone(self, callee: Extension) -> Plan:
        return incoming(callee, self.caller, self.called, self.tenant, ())

    def _forward(self, line: VirtualLine, where: str, to: ForwardTo, onward: Node | None) -> Part:
        other = line_of(to.number, self.tenant)
        if other is not None:
            told = Reason(Rule.LINE_ONWARD, f"{where} goes on with {other.key}")
            return Part((), (told,), (Node(other.key, 0) if other.steps else None,))
        inside = self.tenant.number_target(to.number) if to.number.startswith("+") else None
        if inside is not None:
            told = Reason(Rule.FORWARD_INSIDE, f"{to.number} is a number of the organisation and leads to {inside}")
            part = self._ring(line, where, (inside,), to.seconds, onward)
            return replace(part, reasons=(told, *part.reasons))
        payer = self.tenant.extension(to.payer) if to.payer is not None else None
        if payer is None:
            text = f"{where} does not call {to.number}: no extension pays for it"
            return Part((), (Reason(Rule.LINE_NO_PAYER, text),), (onward,))
        forwarding, shows = forward(payer, self.caller, self.tenant)
        targets, reasons = forwarding.to_number(to.number)
        told = Reason(Rule.LINE_FORWARD, f"{where} forwards to {to.number} for {to.seconds} s")
        if not targets:
            return Part((), (told, *reasons, _nobody(where)), (onward,))
        ring = forwarding.ring(Stage.RING, targets, to.seconds)
        return Part(attempts(ring), (told, *reasons, shows), (onward,))

    def _gather(self, line: VirtualLine, node: Node, where: str, asked: GatherDigit) -> Part:
        exits = [place_of(line, name, node.position) for _, name in asked.digits]
        none = place_of(line, asked.none, node.position)
        step = Gather(
            Stage.GATHER,
            0,
            tuple((key, section_of(exit, self.sections)) for (key, _), exit in zip(asked.digits, exits, strict=True)),
            section_of(none, self.sections),
            asked.seconds,
            asked.tries,
            asked.sound,
        )
        keys = ", ".join(key for key, _ in asked.digits)
        told = Reason(Rule.LINE_GATHER, f"{where} waits for one of the keys {keys} of its caller")
        return Part((step,), (told,), (*exits, none))

    def _hours(self, line: VirtualLine, node: Node, where: str, hours: Hours, onward: Node | None) -> Part:
        now = self.clock
        within = now is not None and hours.hold(now.weekday(), now.hour * 60 + now.minute)
        at = f"{WEEKDAYS[now.weekday()]} {now:%H:%M} in {self.tenant.organisation.timezone}" if now else "no known time"
        told = f"the call came at {at}, {'within' if within else 'outside'} the hours of {where}: {_hours(hours)}"
        if within:
            return Part((), (Reason(Rule.LINE_WITHIN, told),), (onward,))
        return Part((), (Reason(Rule.LINE_OUTSIDE, told),), (place_of(line, hours.otherwise, node.position),))

    def _missed_call(self, where: str, key: str, onward: Node | None) -> Part:
        kept = kept_call(key, self.caller, NoAnswerAction.MISSED_CALL)
        told = Reason(Rule.LINE_MISSED_CALL, f"{where} keeps the call as a missed call of {key}")
        return Part((Keep(Stage.KEEP, kept),), (told,), (onward,))


def _nobody(where: str) -> Reason:
    return Reason(Rule.LINE_NOBODY, f"{where} leaves nobody to ring: it is passed over")


def _together(rings: list[Ring], line: VirtualLine) -> Ring:
    """One ring of several. What they are shown differs where some of them forward: then they see the line's name."""
    first = rings[0]
    names = {ring.caller_name for ring in rings}
    return replace(
        first,
        targets=unrung((target for ring in rings for target in ring.targets), ()),
        caller_name=first.caller_name if len(names) == 1 else clean_name(line.label) or line.key,
        withheld=any(ring.withheld for ring in rings),
        # One who forwards outside is named to all: by that, a call that comes back is known.
        diverted_by=next((ring.diverted_by for ring in rings if ring.diverted_by is not None), None),
    )


def _news(plan: Plan, keeps_end: bool = False) -> tuple[Reason, ...]:
    dropped = _OF_THE_CALL - {Rule.NO_ANSWER_HANG_UP} if keeps_end else _OF_THE_CALL
    return tuple(reason for reason in plan.reasons if reason.rule not in dropped)


def _hours(hours: Hours) -> str:
    days = " ".join(WEEKDAYS[day] for day in sorted(hours.weekdays))
    return f"{days} {clock(hours.begin)} to {clock(hours.end)}"
