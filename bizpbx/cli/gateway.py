"""`bizpbx gateway`: carrier trunks and other SIP accounts outside the PBX."""

from __future__ import annotations

from bizpbx.cli.frame.nouns import Noun, commands

app = commands(
    Noun(
        word="gateway",
        section="gateways",
        name_field="name",
        model="Gateway",
        columns=("name", "host", "port", "transport", "username", "registers", "ping", "trunk"),
        name="carrier",
        pairs="host=sip.carrier.example port=5060",
        add="carrier host=sip.carrier.example username=acme password=… trunk=true",
        about="Carrier trunks and other SIP accounts outside the PBX.",
    )
)
