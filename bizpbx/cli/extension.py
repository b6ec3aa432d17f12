"""`bizpbx extension`: the numbers people dial inside, and what happens to their calls."""

from __future__ import annotations

from typing import Any

from bizpbx.cli.frame.nouns import Noun, commands


def in_table(document: dict[str, Any]) -> dict[str, Any]:
    """With the usage limit in one cell: `300 minutes`."""
    limit = document.get("usage_limit") or {"value": None, "kind": "none"}
    return document | {"usage_limit": f"{limit['value']} {limit['kind']}" if limit["value"] is not None else None}


NOUN = Noun(
    word="extension",
    section="extensions",
    name_field="key",
    model="Extension",
    columns=(
        "key",
        "label",
        "assignee",
        "incoming.do_not_disturb",
        "incoming.forwarding.enabled",
        "incoming.devices",
        "usage_limit",
    ),
    name="100",
    pairs="incoming.do_not_disturb=true usage_limit.kind=minutes usage_limit.value=300",
    add="104 label=Workshop devices.ip_phone.tls=true",
    about="The numbers people dial inside, and what happens to their calls.",
    in_table=in_table,
)

app = commands(NOUN)
