"""Runs the migrations on the engine it is given; bizpbx/directory/migrations.py is who calls it."""

from __future__ import annotations

from alembic import context
from bizpbx.directory.tables import Base


def run() -> None:
    engine = context.config.attributes["engine"]
    with engine.begin() as connection:
        context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
        with context.begin_transaction():
            context.run_migrations()


run()
