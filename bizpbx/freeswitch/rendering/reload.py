"""What a running switch has to be told after files were written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from lxml import etree

from bizpbx.freeswitch.rendering.check import PARSER
from bizpbx.freeswitch.rendering.gateways import LISTS
from bizpbx.freeswitch.rendering.write import Change

GATEWAYS = PurePosixPath("sip_profiles/external")


def reload_commands(changes: Iterable[Change], tree: Mapping[PurePosixPath, str]) -> list[str]:
    """Event socket `api` commands, in order, that put `changes` of `write(tree, …)` in force. Calls in progress go on.

    A rescan adds gateways but keeps what it knows of the others (measured on 1.11), so those that changed or went are
    taken away first. Changes of profiles, modules and the event socket need a restart, and are not among the commands.
    """
    changed = list(changes)
    commands = ["reloadxml"] if changed else []
    if any(change.path in LISTS for change in changed):
        commands.append("reloadacl")
    files = [change for change in changed if change.path.parent == GATEWAYS]
    for change in files:
        after = dict(_gateways(tree.get(change.path)))
        for name, before in _gateways(change.before):
            if after.get(name) != before:
                commands.append(f"sofia profile external killgw {name}")
    if files:
        commands.append("sofia profile external rescan")
    return commands


def _gateways(content: str | None) -> Iterator[tuple[str, bytes]]:
    if content is None:
        return
    for gateway in etree.fromstring(content.encode(), PARSER).iter("gateway"):
        yield gateway.get("name", ""), etree.tostring(gateway, with_tail=False)
