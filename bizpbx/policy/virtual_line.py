"""A call to a virtual line (product §7): its steps, laid out as the sections of one plan.

Every section leads to later ones only, so that a call is over after as many steps as there are, whatever its caller
keys in, and another controller can go on from the section that it reads on the channel.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

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
    RingExtensions,
    VirtualLine,
)
from bizpbx.policy.line_graph import Node, after, in_order, place_of
from bizpbx.policy.names import clean_name
from bizpbx.policy.plan import Gather, GoOn, HangUp, Plan, Reason, Ring, Stage, Step
from bizpbx.policy.rules import Rule
from bizpbx.policy.settings import Extension, ExtensionType, NoAnswer, Tenant

_OF_THE_CALL: Final = frozenset({Rule.WITHHELD, Rule.NO_ANSWER_HANG_UP})
"""What the call to an extension says that is no news in a line, or not true of it."""


def virtual_line(
    line: VirtualLine, caller: Caller, called: str, tenant: Tenant, moment: datetime | None, before: tuple[Reason, ...]
) -> Plan:
    """A call to a line. `called` is the key or DID (E.164) that was dialled, `moment` when the call came in."""
    if caller.withheld:
        before = (*before, Reason(Rule.WITHHELD, "the number of the caller is withheld or cannot be read"))
    started = Reason(Rule.LINE, f"{line.key} is a virtual line: its {len(line.steps)} steps are gone through")
    order = in_order(line, lambda called: line_of(called, tenant))
    call = _Call(caller, called, tenant, _local(moment, tenant), {node: n for n, node in enumerate(order, 1)})
    parts: list[tuple[int, _Part]] = []
    reached = set(order[:1])
    for node in order:
        if node in reached:
            part = call.part(node)
            parts.append((call.sections[node], part))
            reached |= {exit for exit in part.exits if exit is not None}
    end = len(order) + 1
    return Plan(
        (*_laid_out(parts, call.sections, end), HangUp(Stage.END, section=end)),
        (*before, started, *(replace(why, section=at) for at, part in parts for why in part.reasons)),
        line.key,
    )


def line_of(called: str, tenant: Tenant) -> VirtualLine | None:
    """The line that a key, or a DID (E.164), leads to."""
    key = tenant.number_target(called) if called.startswith("+") else called
    return tenant.virtual_line(key) if key is not None else None


@dataclass(frozen=True, slots=True)
class _Part:
    """What one step comes to."""

    steps: tuple[Step, ...]
    reasons: tuple[Reason, ...]
    exits: tuple[Node | None, ...]
    """Where it can lead to; none: the call ends with it. With more than one, the steps themselves say which."""


def _laid_out(parts: list[tuple[int, _Part]], sections: dict[Node, int], end: int) -> Iterable[Step]:
    """The steps of all parts, each followed by where the call goes on, if that is not simply what comes next."""
    for position, (section, part) in enumerate(parts):
        coming = parts[position + 1][0] if position + 1 < len(parts) else end
        yield from (replace(step, section=section) for step in part.steps)
        if len(part.exits) == 1:
            to = _section(part.exits[0], sections)
            if to != coming:
                yield GoOn(Stage.ONWARD, section, to)


def _section(node: Node | None, sections: dict[Node, int]) -> int:
    """A step that is in no order, since it is on a way round in a circle, is the end."""
    return sections.get(node, len(sections) + 1) if node is not None else len(sections) + 1


@dataclass(frozen=True, slots=True)
class _Call:
    """One call on its way through lines."""

    caller: Caller
    called: str
    tenant: Tenant
    clock: datetime | None
    """The organisation's, when the call came in."""
    sections: dict[Node, int]

    def part(self, node: Node) -> _Part:
        line = self.tenant.virtual_line(node.line)
        if line is None:
            return _Part((), (), (None,))
        step = line.steps[node.position]
        onward = after(line, node.position)
        match step.action:
            case RingExtensions(extensions, seconds):
                return self._ring(line, extensions, seconds, onward)
            case ForwardTo():
                return self._forward(line, step.action, onward)
            case GatherDigit():
                return self._gather(line, node, step.action)
            case Hours():
                return self._hours(line, node, step.action, onward)
            case HangUpStep():
                return _Part((HangUp(Stage.END),), (Reason(Rule.LINE_HANG_UP, f"{line.key} hangs up"),), ())

    def _ring(self, line: VirtualLine, keys: tuple[str, ...], seconds: int, onward: Node | None) -> _Part:
        if onward is None and len(keys) == 1:
            callee, why = self._callee(keys[0])
            if callee is None:
                return _Part((), why, (None,))
            told = Reason(Rule.LINE_RING, f"{line.key} ends with {callee.key}: its own no-answer settings count")
            normal = callee.type is ExtensionType.NORMAL
            own = replace(callee.no_answer, wait=seconds) if normal else NoAnswer(wait=seconds)
            plan = self._alone(replace(callee, type=ExtensionType.NORMAL, no_answer=own))
            return _Part(plan.steps, (told, *_news(plan, keeps_end=True)), ())
        told = Reason(Rule.LINE_RING, f"{line.key} rings {', '.join(keys)} for {seconds} s")
        rings, reasons = self._rings(keys, seconds)
        if not rings:
            nobody = Reason(Rule.LINE_NOBODY, f"this step of {line.key} leaves nobody to ring: it is passed over")
            return _Part((), (told, *reasons, nobody), (onward,))
        return _Part(attempts(_together(rings, line)), (told, *reasons), (onward,))

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

    def _forward(self, line: VirtualLine, to: ForwardTo, onward: Node | None) -> _Part:
        other = line_of(to.number, self.tenant)
        if other is not None:
            told = Reason(Rule.LINE_ONWARD, f"{line.key} goes on with {other.key}")
            return _Part((), (told,), (Node(other.key, 0) if other.steps else None,))
        inside = self.tenant.number_target(to.number) if to.number.startswith("+") else None
        if inside is not None:
            told = Reason(Rule.FORWARD_INSIDE, f"{to.number} is a number of the organisation and leads to {inside}")
            part = self._ring(line, (inside,), to.seconds, onward)
            return replace(part, reasons=(told, *part.reasons))
        payer = self.tenant.extension(to.payer) if to.payer is not None else None
        if payer is None:
            text = f"{to.number} is not called: no extension of {line.key} pays for it"
            return _Part((), (Reason(Rule.LINE_NO_PAYER, text),), (onward,))
        forwarding, shows = forward(payer, self.caller, self.tenant)
        targets, reasons = forwarding.to_number(to.number)
        told = Reason(Rule.LINE_FORWARD, f"{line.key} forwards to {to.number} for {to.seconds} s")
        if not targets:
            nobody = Reason(Rule.LINE_NOBODY, f"this step of {line.key} leaves nobody to ring: it is passed over")
            return _Part((), (told, *reasons, nobody), (onward,))
        ring = forwarding.ring(Stage.RING, targets, to.seconds)
        return _Part(attempts(ring), (told, *reasons, shows), (onward,))

    def _gather(self, line: VirtualLine, node: Node, asked: GatherDigit) -> _Part:
        exits = [place_of(line, name, node.position) for _, name in asked.digits]
        none = place_of(line, asked.none, node.position)
        pressed = tuple(
            (key, _section(exit, self.sections)) for (key, _), exit in zip(asked.digits, exits, strict=True)
        )
        step = Gather(Stage.GATHER, 0, pressed, _section(none, self.sections), asked.seconds, asked.tries)
        keys = ", ".join(key for key, _ in asked.digits)
        told = Reason(Rule.LINE_GATHER, f"{line.key} waits for one of the keys {keys} of its caller")
        return _Part((step,), (told,), (*exits, none))

    def _hours(self, line: VirtualLine, node: Node, hours: Hours, onward: Node | None) -> _Part:
        now = self.clock
        within = now is not None and hours.hold(now.weekday(), now.hour * 60 + now.minute)
        at = f"{WEEKDAYS[now.weekday()]} {now:%H:%M} in {self.tenant.organisation.timezone}" if now else "no known time"
        told = f"the call came at {at}, {'within' if within else 'outside'} the hours of {line.key}: {_hours(hours)}"
        if within:
            return _Part((), (Reason(Rule.LINE_WITHIN, told),), (onward,))
        return _Part((), (Reason(Rule.LINE_OUTSIDE, told),), (place_of(line, hours.otherwise, node.position),))


def _together(rings: list[Ring], line: VirtualLine) -> Ring:
    """One ring of several. What they are shown differs where some of them forward: then they see the line's name."""
    first = rings[0]
    names = {ring.caller_name for ring in rings}
    diverted_by = {ring.diverted_by for ring in rings}
    return replace(
        first,
        targets=unrung((target for ring in rings for target in ring.targets), ()),
        caller_name=first.caller_name if len(names) == 1 else clean_name(line.label) or line.key,
        withheld=any(ring.withheld for ring in rings),
        diverted_by=first.diverted_by if len(diverted_by) == 1 else None,
    )


def _news(plan: Plan, keeps_end: bool = False) -> tuple[Reason, ...]:
    dropped = _OF_THE_CALL - {Rule.NO_ANSWER_HANG_UP} if keeps_end else _OF_THE_CALL
    return tuple(reason for reason in plan.reasons if reason.rule not in dropped)


def _local(moment: datetime | None, tenant: Tenant) -> datetime | None:
    return moment.astimezone(ZoneInfo(tenant.organisation.timezone)) if moment is not None else None


def _hours(hours: Hours) -> str:
    days = " ".join(WEEKDAYS[day] for day in sorted(hours.weekdays))
    return f"{days} {clock(hours.begin)} to {clock(hours.end)}"


def clock(minutes: int) -> str:
    """Minutes since midnight as `HH:MM`; the end of the day is 24:00.

    >>> clock(570), clock(24 * 60)
    ('09:30', '24:00')
    """
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
