"""What happens when nobody answers: mails, messages and their sounds, how long a voicemail may be, its PIN."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("organisation", sa.Column("language", sa.String(length=16), server_default="en", nullable=False))
    op.add_column("organisation", sa.Column("voicemail_days", sa.Integer(), server_default="90", nullable=False))
    op.add_column("extension", sa.Column("no_answer_emails", sa.JSON(), server_default="[]", nullable=False))
    op.add_column("extension", sa.Column("no_answer_longest", sa.Integer(), server_default="60", nullable=False))
    op.add_column("extension", sa.Column("pin_hash", sa.Text(), nullable=True))
    op.create_table(
        "sound",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("speech", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_sound_organisation_id_organisation")
        ),
        sa.PrimaryKeyConstraint("organisation_id", "digest", name=op.f("pk_sound")),
    )
    op.create_table(
        "greeting",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("extension_id", sa.Integer(), nullable=False),
        sa.Column("message", sa.JSON(), nullable=False),
        sa.Column("sound", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "extension_id"],
            ["extension.organisation_id", "extension.id"],
            name=op.f("fk_greeting_organisation_id_extension_id_extension"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "sound"],
            ["sound.organisation_id", "sound.digest"],
            name=op.f("fk_greeting_organisation_id_sound_sound"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "extension_id", name=op.f("pk_greeting")),
    )


def downgrade() -> None:
    op.drop_table("greeting")
    op.drop_table("sound")
    # The actions of before know neither.
    op.execute("UPDATE extension SET no_answer_action = 'hang_up' WHERE no_answer_action NOT IN ('hang_up', 'forward')")
    with op.batch_alter_table("extension") as batch:
        batch.drop_column("pin_hash")
        batch.drop_column("no_answer_longest")
        batch.drop_column("no_answer_emails")
    with op.batch_alter_table("organisation") as batch:
        batch.drop_column("voicemail_days")
        batch.drop_column("language")
