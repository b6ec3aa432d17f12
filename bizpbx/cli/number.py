"""`bizpbx number`: the public numbers (DIDs) of the organisation, and where they lead."""

from __future__ import annotations

from bizpbx.cli.frame.nouns import Noun, commands

app = commands(
    Noun(
        word="number",
        section="numbers",
        name_field="number",
        model="Number",
        columns=("number", "to"),
        name="+6564291310",
        pairs="to=100",
        add="+6564291311 to=100",
        about="The public numbers (DIDs) of the organisation, and where they lead.",
    )
)
