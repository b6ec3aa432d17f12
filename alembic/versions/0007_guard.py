"""Caps against toll fraud: how many calls outside at once, and how many an hour to countries that are new."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NEW = sa.text("new_country")


def upgrade() -> None:
    op.add_column("organisation", sa.Column("guard_concurrent_calls", sa.Integer(), server_default="4", nullable=False))
    op.add_column(
        "organisation", sa.Column("guard_new_country_calls", sa.Integer(), server_default="3", nullable=False)
    )
    op.add_column("extension", sa.Column("guard_concurrent_calls", sa.Integer(), nullable=True))
    op.add_column("extension", sa.Column("guard_new_country_calls", sa.Integer(), nullable=True))
    op.add_column("lease", sa.Column("new_country", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index("ix_lease_country", "lease", ["organisation_id", "country", "extension", "taken_at"])
    op.create_index(
        "ix_lease_new_country",
        "lease",
        ["organisation_id", "extension", "taken_at"],
        sqlite_where=NEW,
        postgresql_where=NEW,
    )
    op.create_table(
        "guard_country",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("extension", sa.String(length=6), nullable=False),
        sa.Column("country", sa.String(length=32), nullable=False),
        sa.Column("allowed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_guard_country_organisation_id_organisation")
        ),
        sa.PrimaryKeyConstraint("organisation_id", "extension", "country", name=op.f("pk_guard_country")),
    )
    op.create_table(
        "guard_refusal",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("extension", sa.String(length=6), nullable=False),
        sa.Column("country", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_guard_refusal_organisation_id_organisation")
        ),
        sa.PrimaryKeyConstraint("organisation_id", "extension", "country", "reason", name=op.f("pk_guard_refusal")),
    )


def downgrade() -> None:
    op.drop_table("guard_refusal")
    op.drop_table("guard_country")
    op.drop_index("ix_lease_new_country", "lease")
    op.drop_index("ix_lease_country", "lease")
    with op.batch_alter_table("lease") as batch:
        batch.drop_column("new_country")
    for table in ("extension", "organisation"):
        with op.batch_alter_table(table) as batch:
            batch.drop_column("guard_new_country_calls")
            batch.drop_column("guard_concurrent_calls")
