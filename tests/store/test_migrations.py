"""Revisions: from empty to the tables of today, forwards only."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text, update
from sqlalchemy.sql import column, table

from aibridge.store import migrations, schema
from aibridge.store.database import Database
from aibridge.store.migrations import NewerSchemaError
from tests.builders import new_database


@pytest.fixture
def database(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'bridge.db'}")
    yield database
    database.close()


def statements(database: Database) -> dict[str, str]:
    """Return what SQLite keeps of every table and index, without its spacing."""
    with database.read() as connection:
        rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql > ''"))
        found = {name: "".join(sql.split()).replace('"', "") for name, sql in rows}
    found.pop("alembic_version", None)
    return found


def test_an_empty_database_gets_the_tables_of_the_schema(database):
    database.upgrade()
    with database.read() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, schema.metadata) == []
        assert migrations.current(connection) == migrations.HEAD
        assert {*inspect(connection).get_table_names()} - {"alembic_version"} == {
            *schema.metadata.tables
        }


def test_the_tables_are_exactly_those_of_the_schema(database, tmp_path):
    """Partial indexes, key order and WITHOUT ROWID too, which a comparison does not look at."""
    database.upgrade()
    described = new_database(f"sqlite:///{tmp_path / 'described.db'}")
    assert statements(database) == statements(described)
    described.close()


def test_an_upgrade_of_what_is_up_to_date_does_nothing(database):
    database.upgrade()
    before = statements(database)
    database.upgrade()
    assert statements(database) == before


def test_the_newest_revision_is_the_one_that_is_named():
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [migrations.HEAD]
    files = sorted(Path(migrations.__file__).parent.glob("versions/[0-9]*.py"))
    assert files[-1].name.startswith(migrations.HEAD)
    revisions = [revision.revision for revision in scripts.walk_revisions()]
    assert len(revisions) == len(files)


def test_a_database_of_a_newer_release_is_refused_and_left_alone(database):
    database.upgrade()
    version = table("alembic_version", column("version_num"))
    with database.write() as connection:
        connection.execute(update(version).values(version_num="9999"))
    before = statements(database)
    with pytest.raises(NewerSchemaError, match=r"revision 9999.*start it with the release that"):
        database.upgrade()
    assert statements(database) == before
    with database.read() as connection:
        assert migrations.current(connection) == "9999"


def test_an_upgrade_that_fails_leaves_nothing_behind(database, monkeypatch):
    monkeypatch.setattr(migrations, "_run", half_done)
    with pytest.raises(RuntimeError):
        database.upgrade()
    assert statements(database) == {}


def half_done(connection, revision):
    assert revision is None
    connection.execute(text("CREATE TABLE half (id INTEGER)"))
    raise RuntimeError("interrupted")
