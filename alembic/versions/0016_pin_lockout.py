"""Wrong PINs of mailboxes, and their locks."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pin_lockout",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("extension_id", sa.Integer(), nullable=False),
        sa.Column("wrong", sa.JSON(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lockouts", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "extension_id"],
            ["extension.organisation_id", "extension.id"],
            name=op.f("fk_pin_lockout_organisation_id_extension_id_extension"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "extension_id", name=op.f("pk_pin_lockout")),
    )


def downgrade() -> None:
    op.drop_table("pin_lockout")
