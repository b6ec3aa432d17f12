"""Virtual lines: their steps, who rings in them, the keys of their menus, and DIDs that lead to them."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def within(table: str, column: str, other: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organisation_id", column],
        [f"{other}.organisation_id", f"{other}.id"],
        name=op.f(f"fk_{table}_organisation_id_{column}_{other}"),
        ondelete=ondelete,
    )


def of_step(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organisation_id", "line_id", "step"],
        ["line_step.organisation_id", "line_step.line_id", "line_step.position"],
        name=op.f(f"fk_{table}_organisation_id_line_id_step_line_step"),
        ondelete="CASCADE",
    )


def upgrade() -> None:
    op.create_table(
        "virtual_line",
        sa.Column("key", sa.String(length=6), nullable=False),
        sa.Column("label", sa.String(length=64), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_virtual_line_organisation_id_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_virtual_line")),
        sa.UniqueConstraint("organisation_id", "id", name=op.f("uq_virtual_line_organisation_id_id")),
        sa.UniqueConstraint("organisation_id", "key", name=op.f("uq_virtual_line_organisation_id_key")),
    )
    op.create_table(
        "line_step",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("line_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=True),
        sa.Column("next", sa.String(length=32), nullable=True),
        sa.Column("seconds", sa.Integer(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=True),
        sa.Column("answer", sa.Boolean(), nullable=True),
        sa.Column("number", sa.String(length=16), nullable=True),
        sa.Column("to_line_id", sa.Integer(), nullable=True),
        sa.Column("extension_id", sa.Integer(), nullable=True),
        sa.Column("otherwise", sa.String(length=32), nullable=True),
        sa.Column("weekdays", sa.Integer(), nullable=True),
        sa.Column("begins", sa.Integer(), nullable=True),
        sa.Column("ends", sa.Integer(), nullable=True),
        sa.Column("message", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("sound", sa.String(length=64), nullable=True),
        sa.CheckConstraint("number IS NULL OR to_line_id IS NULL", name=op.f("ck_line_step_one_place")),
        sa.CheckConstraint("(message IS NULL) = (sound IS NULL)", name=op.f("ck_line_step_sound_of_message")),
        sa.CheckConstraint(
            "kind <> 'ring' OR (seconds IS NOT NULL AND seconds BETWEEN 5 AND 60)",
            name=op.f("ck_line_step_ring_time"),
        ),
        sa.CheckConstraint(
            "kind <> 'hours' OR (weekdays BETWEEN 1 AND 127 AND begins BETWEEN 0 AND 1439 AND ends BETWEEN 0 AND 1440 "
            "AND begins <> ends)",
            name=op.f("ck_line_step_hours"),
        ),
        within("line_step", "line_id", "virtual_line", "CASCADE"),
        within("line_step", "to_line_id", "virtual_line"),
        within("line_step", "extension_id", "extension"),
        sa.ForeignKeyConstraint(
            ["organisation_id", "sound"],
            ["sound.organisation_id", "sound.digest"],
            name=op.f("fk_line_step_organisation_id_sound_sound"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "line_id", "position", name=op.f("pk_line_step")),
    )
    op.create_index(op.f("ix_line_step_organisation_id_extension_id"), "line_step", ["organisation_id", "extension_id"])
    op.create_table(
        "line_target",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("line_id", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("extension_id", sa.Integer(), nullable=False),
        of_step("line_target"),
        within("line_target", "extension_id", "extension"),
        sa.PrimaryKeyConstraint("organisation_id", "line_id", "step", "position", name=op.f("pk_line_target")),
    )
    op.create_index(
        op.f("ix_line_target_organisation_id_extension_id"), "line_target", ["organisation_id", "extension_id"]
    )
    op.create_table(
        "line_key",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("line_id", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=1), nullable=False),
        sa.Column("leads_to", sa.String(length=32), nullable=False),
        of_step("line_key"),
        sa.PrimaryKeyConstraint("organisation_id", "line_id", "step", "key", name=op.f("pk_line_key")),
    )
    with op.batch_alter_table("number") as batch:
        batch.add_column(sa.Column("line_id", sa.Integer(), nullable=True))
        batch.create_foreign_key(
            op.f("fk_number_organisation_id_line_id_virtual_line"),
            "virtual_line",
            ["organisation_id", "line_id"],
            ["organisation_id", "id"],
        )
        batch.create_check_constraint(op.f("ck_number_one_place"), "extension_id IS NULL OR line_id IS NULL")


def downgrade() -> None:
    with op.batch_alter_table("number") as batch:
        batch.drop_constraint(op.f("ck_number_one_place"), type_="check")
        batch.drop_constraint(op.f("fk_number_organisation_id_line_id_virtual_line"), type_="foreignkey")
        batch.drop_column("line_id")
    op.drop_table("line_key")
    op.drop_table("line_target")
    op.drop_table("line_step")
    op.drop_table("virtual_line")
