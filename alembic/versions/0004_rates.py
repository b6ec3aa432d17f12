"""What calls cost, and what a month's calls of an extension may come to."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "organisation",
        sa.Column("rates_version", sa.Integer(), server_default="0", nullable=False),
    )
    op.add_column(
        "extension",
        sa.Column("usage_limit_kind", sa.String(length=16), server_default="none", nullable=False),
    )
    op.add_column("extension", sa.Column("usage_limit_value", sa.BigInteger(), nullable=True))
    op.create_table(
        "rate",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("prefix", sa.String(length=15), nullable=False),
        sa.Column("effective", sa.DateTime(timezone=True), nullable=False),
        sa.Column("per_minute", sa.BigInteger(), nullable=True),
        sa.Column("connection_fee", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("next", sa.Integer(), nullable=False),
        sa.CheckConstraint("first > 0 AND next > 0", name=op.f("ck_rate_increments")),
        sa.CheckConstraint("per_minute >= 0 AND connection_fee >= 0", name=op.f("ck_rate_amounts")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_rate_organisation_id_organisation")
        ),
        sa.PrimaryKeyConstraint("organisation_id", "prefix", "effective", name=op.f("pk_rate")),
    )


def downgrade() -> None:
    op.drop_table("rate")
    with op.batch_alter_table("extension") as batch:
        batch.drop_column("usage_limit_value")
        batch.drop_column("usage_limit_kind")
    with op.batch_alter_table("organisation") as batch:
        batch.drop_column("rates_version")
