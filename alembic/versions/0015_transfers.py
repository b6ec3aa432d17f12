"""Who transferred a call, and where to."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0015"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("call_leg", sa.Column("transferred_to", sa.String(64), nullable=True))
    op.add_column("call_record", sa.Column("transfers", sa.Text, nullable=False, server_default=""))
    with op.batch_alter_table("call_record") as batch:
        batch.alter_column("transfers", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("call_record") as batch:
        batch.drop_column("transfers")
    with op.batch_alter_table("call_leg") as batch:
        batch.drop_column("transferred_to")
