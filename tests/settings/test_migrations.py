from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from alembic import command
from bizpbx.directory import migrations
from bizpbx.directory.database import Database
from bizpbx.directory.tables import Base
from bizpbx.errors import ConfigurationError, NotReady
from tests.both_databases import database

__all__ = ["database"]


def test_migrations_make_what_the_models_say(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_foreign_keys_and_checks_are_those_of_the_models(database: Database) -> None:
    found = inspect(database.engine)
    for table in Base.metadata.tables.values():
        assert {str(key["name"]) for key in found.get_foreign_keys(table.name)} == {
            str(key.name) for key in table.foreign_key_constraints
        }


def test_migrations_can_be_undone_and_done_again(database: Database) -> None:
    command.downgrade(migrations.configuration(database.engine), "base")
    assert inspect(database.engine).get_table_names() == ["alembic_version"]
    migrations.upgrade(database.engine)
    migrations.check(database.engine)


def test_the_head_that_is_written_down_is_the_newest_revision() -> None:
    assert ScriptDirectory.from_config(migrations.configuration()).get_current_head() == migrations.HEAD


def test_a_database_that_was_never_initialised_is_not_ready(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'new.db'}")
    with pytest.raises(NotReady, match="bizpbx init"):
        migrations.check(database.engine)


@pytest.mark.parametrize(("version", "words"), [("0000", "run `bizpbx init`"), ("9999", "newer bizpbx")])
def test_another_version_is_not_ready(database: Database, version: str, words: str) -> None:
    with database.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": version})
    with pytest.raises(NotReady, match=words):
        migrations.check(database.engine)


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", "sqlite://", "sqlite:///:memory:"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="BIZPBX_DATABASE_URL"):
        Database(url)


def test_an_unreachable_database_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be reached"):
        migrations.check(Database(f"sqlite:///{tmp_path}").engine)
