"""A call to a virtual line (product §7): its steps, laid out as the sections of one plan.

Every section leads to later ones only, so that a call is over after as many steps as there are, whatever its caller
keys in, and another controller can go on from the section that it reads on the channel.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import zip_longest
from zoneinfo import ZoneInfo

from bizpbx.policy.caller import Caller
from bizpbx.policy.line import VirtualLine
from bizpbx.policy.line_graph import Node, in_order
from bizpbx.policy.line_steps import LineCall, Part, line_of, section_of
from bizpbx.policy.plan import GoOn, HangUp, Kept, Plan, Reason, Stage, Step, keeping, kept_by
from bizpbx.policy.rules import Rule
from bizpbx.policy.settings import Tenant


def virtual_line(
    line: VirtualLine, caller: Caller, called: str, tenant: Tenant, moment: datetime | None, before: tuple[Reason, ...]
) -> Plan:
    """A call to a line. `called` is the key or DID (E.164) that was dialled, `moment` when the call came in."""
    if caller.withheld:
        before = (*before, Reason(Rule.WITHHELD, "the number of the caller is withheld or cannot be read"))
    started = Reason(Rule.LINE, f"{line.key} is a virtual line: its {len(line.steps)} steps are gone through")
    order = in_order(line, lambda called: line_of(called, tenant))
    call = LineCall(caller, called, tenant, _local(moment, tenant), {node: n for n, node in enumerate(order, 1)})
    parts: dict[Node, Part] = {}
    reached = set(order[:1])
    for node in order:
        if node in reached:
            parts[node] = call.part(node)
            reached |= {exit for exit in parts[node].exits if exit is not None}
    end = len(order) + 1
    reasons = (replace(why, section=call.sections[node]) for node, part in parts.items() for why in part.reasons)
    return Plan(
        (*_laid_out(_keeping(parts), call.sections, end), HangUp(Stage.END, section=end)),
        (*before, started, *reasons),
        line.key,
    )


def _keeping(parts: Mapping[Node, Part]) -> dict[Node, Part]:
    """The same, each step with what is kept of the call if its caller leaves meanwhile: what would be kept in the end,
    if every way from there leads to the same."""
    kept: dict[Node | None, Kept | None] = {None: None}
    for node, part in reversed(list(parts.items())):
        own = next((found for step in part.steps if (found := kept_by(step)) is not None), None)
        later = {kept.get(exit) for exit in part.exits}
        kept[node] = own or (later.pop() if len(later) == 1 else None)
    return {
        node: replace(part, steps=tuple(keeping(step, kept[node]) for step in part.steps))
        for node, part in parts.items()
    }


def _laid_out(parts: Mapping[Node, Part], sections: Mapping[Node, int], end: int) -> Iterable[Step]:
    """The steps of all parts, each followed by where the call goes on, if that is not simply what comes next."""
    nodes = list(parts)
    for node, following in zip_longest(nodes, nodes[1:]):
        part, section = parts[node], sections[node]
        yield from (replace(step, section=section) for step in part.steps)
        if len(part.exits) == 1:
            to = section_of(part.exits[0], sections)
            if to != (sections[following] if following is not None else end):
                yield GoOn(Stage.ONWARD, section, to)


def _local(moment: datetime | None, tenant: Tenant) -> datetime | None:
    return moment.astimezone(ZoneInfo(tenant.organisation.timezone)) if moment is not None else None
