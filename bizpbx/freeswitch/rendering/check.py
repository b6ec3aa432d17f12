"""Read rendered files back, the way the switch will, before it does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from lxml import etree

PARSER = etree.XMLParser(
    resolve_entities=False, load_dtd=False, dtd_validation=False, no_network=True, huge_tree=True, remove_comments=True
)

EXPANSIONS = frozenset(
    f"${{{name}}}"
    for name in (
        "destination_number",
        "bizpbx_before_joining",
        "bizpbx_consulted",
        "bizpbx_consulted_by",
        "bizpbx_consulting",
        "bizpbx_device",
        "bizpbx_held",
        "bizpbx_held_by",
        "bizpbx_holds",
        "bizpbx_stage",
        "bizpbx_tls",
        "bizpbx_transfer",
        "bridge_uuid",
        "originate_disposition",
        "signal_bond",
        "bizpbx_gateway",
        "sip_network_ip",
        "sip_network_port",
        "sofia_profile_name",
        "uuid",
    )
)
"""What our templates let the switch expand. Each is a number checked before, or a word of ours or of the switch."""

GLOBALS = frozenset(
    (
        "intercept_unanswered_only",
        "intercept_unbridged_only",
        "max_session_transfers",
        "outbound_redirect_fatal",
        "sip_copy_custom_headers",
    )
)
"""Variables of every channel that our templates set."""

_EXPANSION = re.compile(r"\$\$?\{[^}]*\}?")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one file."""

    path: PurePosixPath
    text: str


def check(tree: Mapping[PurePosixPath, str]) -> list[Problem]:
    """Everything wrong with the tree; empty if the switch can take it."""
    return [Problem(path, text) for path, content in tree.items() for text in problems_of(content)]


def problems_of(content: str) -> Iterator[str]:
    """Everything wrong with one file."""
    if "<?" in content or "<!DOCTYPE" in content or "<!ENTITY" in content:
        yield "processing instructions, document types and entities are never rendered"
    for expansion in sorted(set(_EXPANSION.findall(content)) - EXPANSIONS):
        yield f"the switch would expand {expansion}"
    try:
        root = etree.fromstring(content.encode(), PARSER)
    except etree.XMLSyntaxError as error:
        yield f"not well-formed: {error.msg}"
        return
    for instruction in root.iter("X-PRE-PROCESS"):
        command, data = instruction.get("cmd", ""), instruction.get("data", "")
        if command == "include" or (command == "set" and data.partition("=")[0] in GLOBALS):
            continue
        yield f"the switch would carry out {command!r}"
    if content.lower().count("x-pre-process") != sum(1 for _ in root.iter("X-PRE-PROCESS")):
        yield "a text would be taken for an instruction to the switch"
