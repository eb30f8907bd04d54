"""Revisions: from empty to the tables of today, forwards only."""

from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import ColumnClause, insert, inspect, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql import column, table

from aibridge.contract import TokenScope
from aibridge.store import groups, migrations, schema, tokens, users
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


def first_tables(database: Database) -> None:
    """Make the tables of revision 0001, with people of every role of then."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for name, role in OLD_ROLES.items():
            status = "suspended" if name == "zoe" else "active"
            user = (f"id-{name}", name, name.lower(), "N", "a", status, role, 5, 7)
            connection.execute(insert(OLD_USERS).values(user))
            token = (f"token-{name}", f"id-{name}", "laptop", "0" * 64, 5, None)
            connection.execute(insert(OLD_TOKENS).values(token))
        timed = ("token-time", "id-Ana", "timed", "1" * 64, 5, 99)
        connection.execute(insert(OLD_TOKENS).values(timed))


def columns(*names: str) -> list[ColumnClause[Any]]:
    return [column(name) for name in names]


OLD_ROLES = {
    "Ana": "owner",
    "ben": "auditor",
    "cleo": "user-admin",
    "dan": "member",
    "zoe": "owner",
}
OLD_USERS = table(
    "users",
    *columns("id", "username", "username_key", "name", "avatar_url"),
    *columns("status", "role", "created_at", "updated_at"),
)
OLD_TOKENS = table(
    "tokens", *columns("id", "user_id", "name", "secret_sha256", "created_at", "expires_at")
)


def test_people_of_the_first_tables_are_kept_with_their_roles(database):
    first_tables(database)
    database.upgrade()
    with database.read() as connection:
        assert migrations.current(connection) == migrations.HEAD
        found = users.page(connection, users.UserFilter(), limit=10, after=None)
        hashes = {users.password_hash(connection, user.id) for user in found}
    roles = {user.username: {*map(str, user.roles)} for user in found}
    assert roles == {
        "Ana": {"owner"},
        "ben": {"auditor"},
        "cleo": {"user-admin"},
        "dan": set(),
        "zoe": {"owner"},
    }
    assert {user.username for user in found if user.status == "suspended"} == {"zoe"}
    assert {(user.email, user.name, user.avatar_url) for user in found} == {("", "N", "a")}
    assert {(user.created_at, user.updated_at) for user in found} == {(5, 7)}
    assert hashes == {None}


def test_tokens_of_the_first_tables_go_on_working_for_everything(database):
    first_tables(database)
    database.upgrade()
    with database.read() as connection:
        found = {token.id: token for token in tokens.list_tokens(connection)}
    assert found.keys() == {"token-time", *(f"token-{name}" for name in OLD_ROLES)}
    for token in found.values():
        assert token.scopes == set(TokenScope)
        assert (token.login_type, token.created_at, token.last_used_at) == ("token", 5, None)
    assert found["token-time"].expires_at == 99
    assert found["token-ben"] == tokens.Token(
        "token-ben", "id-ben", "ben", "laptop", frozenset(TokenScope), "token", 5, None, None
    )


def test_an_upgrade_of_the_first_tables_makes_the_tables_of_today_and_everyone(database, tmp_path):
    first_tables(database)
    database.upgrade()
    described = new_database(f"sqlite:///{tmp_path / 'described.db'}")
    assert statements(database) == statements(described)
    described.close()
    with database.read() as connection:
        (everyone,) = groups.list_groups(connection)
        members = [member.username for member in groups.members(connection, everyone)]
    assert (everyone.id, everyone.name) == (groups.EVERYONE, "Everyone")
    assert members == ["Ana", "ben", "cleo", "dan", "zoe"]


def test_what_comes_in_after_an_upgrade_has_to_say_its_scopes(database):
    """What was told for the old rows is no default for new ones: that would be a right too many."""
    first_tables(database)
    database.upgrade()
    unsaid = ("token-new", "id-Ana", "new", "0" * 64, 5, None)
    with pytest.raises(IntegrityError), database.write() as connection:
        connection.execute(insert(OLD_TOKENS).values(unsaid))


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
