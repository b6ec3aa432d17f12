"""`bizpbx member`: people with an account in the organisation."""

from __future__ import annotations

from bizpbx.cli.frame.nouns import Noun, commands

app = commands(
    Noun(
        word="member",
        section="members",
        name_field="email",
        model="Member",
        columns=("email", "name", "role", "mobile"),
        name="ann@acme.example",
        pairs="role=owner mobile=+6591234567",
        add="ben@acme.example name=Ben",
        about="People with an account in the organisation.",
    )
)
