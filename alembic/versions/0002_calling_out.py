"""Calling out: passcodes and their lock-outs, how a caller ID is chosen and asked for, caller-ID plans of rules."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "organisation",
        sa.Column("refuse_without_passcode", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.add_column("extension", sa.Column("passcode_hash", sa.Text(), nullable=True))
    op.add_column(
        "extension",
        sa.Column("caller_id_mode", sa.String(length=16), server_default="existing", nullable=False),
    )
    # A whitelist holds ranges apart (`GB-PREMIUM`, `SATELLITE`) beside countries.
    with op.batch_alter_table("rule_country") as batch:
        batch.alter_column(
            "country", existing_type=sa.String(length=2), type_=sa.String(length=32), existing_nullable=False
        )
    op.create_table(
        "caller_id_plan_entry",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("rule_id", sa.Integer(), nullable=False),
        sa.Column("country", sa.String(length=32), nullable=False),
        sa.Column("prefix", sa.String(length=15), nullable=False),
        sa.Column("caller_id", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "rule_id"],
            ["outbound_rule.organisation_id", "outbound_rule.id"],
            name=op.f("fk_caller_id_plan_entry_organisation_id_rule_id_outbound_rule"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "organisation_id", "rule_id", "country", "prefix", name=op.f("pk_caller_id_plan_entry")
        ),
    )
    op.create_table(
        "assigned_caller_id",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("extension_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "extension_id"],
            ["extension.organisation_id", "extension.id"],
            name=op.f("fk_assigned_caller_id_organisation_id_extension_id_extension"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "extension_id", "position", name=op.f("pk_assigned_caller_id")),
    )
    op.create_table(
        "caller_id_request",
        sa.Column("extension_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_by", sa.String(length=64), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("(state = 'pending') = (decided_at IS NULL)", name=op.f("ck_caller_id_request_decided")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "extension_id"],
            ["extension.organisation_id", "extension.id"],
            name=op.f("fk_caller_id_request_organisation_id_extension_id_extension"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_caller_id_request_organisation_id_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_caller_id_request")),
        sa.UniqueConstraint(
            "organisation_id",
            "extension_id",
            "number",
            name=op.f("uq_caller_id_request_organisation_id_extension_id_number"),
        ),
    )
    op.create_table(
        "passcode_lockout",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("extension_id", sa.Integer(), nullable=False),
        sa.Column("wrong", sa.JSON(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lockouts", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "extension_id"],
            ["extension.organisation_id", "extension.id"],
            name=op.f("fk_passcode_lockout_organisation_id_extension_id_extension"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "extension_id", name=op.f("pk_passcode_lockout")),
    )


def downgrade() -> None:
    for table in ("passcode_lockout", "caller_id_request", "assigned_caller_id", "caller_id_plan_entry"):
        op.drop_table(table)
    # The narrow column of before takes countries alone.
    op.execute("DELETE FROM rule_country WHERE length(country) > 2")
    with op.batch_alter_table("rule_country") as batch:
        batch.alter_column(
            "country", existing_type=sa.String(length=32), type_=sa.String(length=2), existing_nullable=False
        )
    with op.batch_alter_table("extension") as batch:
        batch.drop_column("caller_id_mode")
        batch.drop_column("passcode_hash")
    with op.batch_alter_table("organisation") as batch:
        batch.drop_column("refuse_without_passcode")
