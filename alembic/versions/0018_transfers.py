"""Whether an organisation's users transfer calls by keys, and legs by which a user asked before he transferred."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("organisation", sa.Column("transfers", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column("call_leg", sa.Column("consulted", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("call_leg") as batch:
        batch.drop_column("consulted")
    with op.batch_alter_table("organisation") as batch:
        batch.drop_column("transfers")
