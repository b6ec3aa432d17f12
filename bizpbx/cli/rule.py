"""`bizpbx rule`: which public numbers may be called, how they are dialled, and through which gateway."""

from __future__ import annotations

from bizpbx.cli.frame.nouns import Noun, commands

app = commands(
    Noun(
        word="rule",
        section="outbound_rules",
        name_field="name",
        model="OutboundRule",
        columns=("name", "gateway"),
        name="Standard",
        pairs="countries.SG=allowed countries.AF=null",
        add="Standard gateway=carrier countries=SG:allowed,VN:passcode",
        about="Which public numbers may be called, how they are dialled, and through which gateway.",
    )
)
