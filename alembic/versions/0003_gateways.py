"""Gateways: whether they are signed in to and asked if they are there, and those that a rule falls back on."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("gateway") as batch:
        batch.add_column(sa.Column("registers", sa.Boolean(), server_default=sa.true(), nullable=False))
        batch.add_column(sa.Column("ping", sa.Integer(), nullable=True))
        batch.create_check_constraint(op.f("ck_gateway_ping"), "ping BETWEEN 5 AND 3600")
    op.create_table(
        "fallback_gateway",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("rule_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("gateway_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "gateway_id"],
            ["gateway.organisation_id", "gateway.id"],
            name=op.f("fk_fallback_gateway_organisation_id_gateway_id_gateway"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "rule_id"],
            ["outbound_rule.organisation_id", "outbound_rule.id"],
            name=op.f("fk_fallback_gateway_organisation_id_rule_id_outbound_rule"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "rule_id", "position", name=op.f("pk_fallback_gateway")),
    )


def downgrade() -> None:
    op.drop_table("fallback_gateway")
    with op.batch_alter_table("gateway") as batch:
        batch.drop_constraint(op.f("ck_gateway_ping"), type_="check")
        batch.drop_column("ping")
        batch.drop_column("registers")
