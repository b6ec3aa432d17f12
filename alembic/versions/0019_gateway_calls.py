"""Gateways that call out: under which rule, and which extension pays."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def within(column: str, other: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organisation_id", column],
        [f"{other}.organisation_id", f"{other}.id"],
        name=op.f(f"fk_gateway_calls_organisation_id_{column}_{other}"),
        ondelete=ondelete,
    )


def upgrade() -> None:
    op.create_table(
        "gateway_calls",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("gateway_id", sa.Integer(), nullable=False),
        sa.Column("rule_id", sa.Integer(), nullable=False),
        sa.Column("payer_id", sa.Integer(), nullable=False),
        within("gateway_id", "gateway", "CASCADE"),
        within("rule_id", "outbound_rule"),
        within("payer_id", "extension"),
        sa.PrimaryKeyConstraint("organisation_id", "gateway_id", name=op.f("pk_gateway_calls")),
    )


def downgrade() -> None:
    op.drop_table("gateway_calls")
