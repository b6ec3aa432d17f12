"""`bizpbx extension`: the numbers people dial inside, and what happens to their calls."""

from __future__ import annotations

from bizpbx.cli.frame.nouns import Noun, commands

NOUN = Noun(
    word="extension",
    section="extensions",
    name_field="key",
    model="Extension",
    columns=("key", "label", "assignee", "incoming.do_not_disturb", "incoming.forwarding.enabled", "incoming.devices"),
    name="100",
    pairs="incoming.do_not_disturb=true incoming.forwarding.extensions=101,102",
    add="104 label=Workshop devices.ip_phone.tls=true",
    about="The numbers people dial inside, and what happens to their calls.",
)

app = commands(NOUN)
