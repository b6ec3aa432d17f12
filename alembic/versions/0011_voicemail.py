"""Missed calls and voicemails."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "voicemail",
        sa.Column("extension", sa.String(length=6), nullable=False),
        sa.Column("switch", sa.String(length=64), nullable=False),
        sa.Column("call", sa.String(length=64), nullable=False),
        sa.Column("caller", sa.String(length=16), nullable=True),
        sa.Column("caller_name", sa.String(length=64), nullable=False),
        sa.Column("began", MOMENT, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("note", sa.String(length=16), nullable=True),
        sa.Column("longest", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("store_key", sa.String(length=320), nullable=True),
        sa.Column("heard_at", MOMENT, nullable=True),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("claim", sa.String(length=36), nullable=True),
        sa.Column("next_look", MOMENT, nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_voicemail_organisation_id_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voicemail")),
        sa.UniqueConstraint("switch", "call", name=op.f("uq_voicemail_switch_call")),
    )
    op.create_index(
        op.f("ix_voicemail_organisation_id_extension_began"),
        "voicemail",
        ["organisation_id", "extension", "began"],
        unique=False,
    )
    op.create_index(op.f("ix_voicemail_next_look"), "voicemail", ["next_look"], unique=False)


def downgrade() -> None:
    op.drop_table("voicemail")
