"""What extensions use in a month, the leases that calls under way hold of it, and what calls were charged."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

OPEN = sa.text("state = 'open'")


def upgrade() -> None:
    op.create_table(
        "usage_month",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("extension", sa.String(length=6), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("used_seconds", sa.BigInteger(), nullable=False),
        sa.Column("used_amount", sa.BigInteger(), nullable=False),
        sa.Column("reserved_seconds", sa.BigInteger(), nullable=False),
        sa.Column("reserved_amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("used_seconds >= 0 AND used_amount >= 0", name=op.f("ck_usage_month_used")),
        sa.CheckConstraint("reserved_seconds >= 0 AND reserved_amount >= 0", name=op.f("ck_usage_month_reserved")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_usage_month_organisation_id_organisation")
        ),
        sa.PrimaryKeyConstraint("organisation_id", "extension", "month", name=op.f("pk_usage_month")),
    )
    op.create_table(
        "lease",
        sa.Column("switch", sa.String(length=64), nullable=False),
        sa.Column("leg", sa.String(length=64), nullable=False),
        sa.Column("call", sa.String(length=64), nullable=False),
        sa.Column("extension", sa.String(length=6), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("country", sa.String(length=32), nullable=False),
        sa.Column("gateway", sa.String(length=320), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("prefix", sa.String(length=15), nullable=True),
        sa.Column("per_minute", sa.BigInteger(), nullable=True),
        sa.Column("connection_fee", sa.BigInteger(), nullable=True),
        sa.Column("first", sa.Integer(), nullable=True),
        sa.Column("next", sa.Integer(), nullable=True),
        sa.Column("granted_seconds", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("renew_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("granted_seconds > 0", name=op.f("ck_lease_granted")),
        sa.CheckConstraint("(state = 'open') = (ended_at IS NULL)", name=op.f("ck_lease_ended")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_lease_organisation_id_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lease")),
        sa.UniqueConstraint("organisation_id", "id", name=op.f("uq_lease_organisation_id_id")),
        sa.UniqueConstraint("switch", "leg", name=op.f("uq_lease_switch_leg")),
    )
    op.create_index(
        "ix_lease_open", "lease", ["organisation_id", "extension"], sqlite_where=OPEN, postgresql_where=OPEN
    )
    op.create_index("ix_lease_due", "lease", ["switch", "renew_at"], sqlite_where=OPEN, postgresql_where=OPEN)
    op.create_table(
        "lease_grant",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("lease_id", sa.Integer(), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "lease_id"],
            ["lease.organisation_id", "lease.id"],
            name=op.f("fk_lease_grant_organisation_id_lease_id_lease"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "lease_id", "month", name=op.f("pk_lease_grant")),
    )
    op.create_table(
        "charge",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("lease_id", sa.Integer(), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("extension", sa.String(length=6), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "lease_id"],
            ["lease.organisation_id", "lease.id"],
            name=op.f("fk_charge_organisation_id_lease_id_lease"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "lease_id", "month", name=op.f("pk_charge")),
    )
    op.create_index(
        op.f("ix_charge_organisation_id_month_extension"), "charge", ["organisation_id", "month", "extension"]
    )


def downgrade() -> None:
    for table in ("charge", "lease_grant", "lease", "usage_month"):
        op.drop_table(table)
