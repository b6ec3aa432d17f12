"""Addresses that a gateway calls from, beside the one it is called at."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("gateway", sa.Column("addresses", sa.JSON(), server_default="[]", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("gateway") as batch:
        batch.drop_column("addresses")
