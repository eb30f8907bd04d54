"""Revisions: from empty to the tables of today, forwards only."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import ColumnClause, Connection, MetaData, insert, inspect, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql import column, table

from aibridge.contract import TokenScope
from aibridge.ids import uuid_of
from aibridge.principals import EVERYONE
from aibridge.store import migrations
from aibridge.store.engine.database import Database
from aibridge.store.migrations import NewerSchemaError
from aibridge.store.people import groups, tokens, users
from aibridge.store.schema import tables as schema
from aibridge.store.search import index as text_index
from scripts import ddl
from tests.builders import BEN, Call, indexed_words, new_database, record, summary, uid
from tests.databases import Databases

INDEX = {"text_index", "text_index_config", "text_index_data", "text_index_idx"}
"""The tables in which FTS5 keeps the index; it stores neither texts nor their sizes."""


@pytest.fixture
def sqlite(tmp_path):
    """A file without tables: what comes before revision 0004 is of SQLite alone."""
    database = Database(f"sqlite:///{tmp_path / 'bridge.db'}")
    yield database
    database.close()


@pytest.fixture
def database(databases):
    """A database of either engine, without tables."""
    with databases.place() as url:
        database = Database(url)
        yield database
        database.close()


def statements(database: Database) -> dict[str, Any]:
    """Return what the engine keeps of every table and index."""
    with database.read() as connection:
        found = catalog(connection) if database.is_postgresql else texts(connection)
    return {name: kept for name, kept in found.items() if not name.startswith("alembic_version")}


def texts(connection: Connection) -> dict[str, Any]:
    """Return the statements that SQLite keeps, without their spacing."""
    rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql > ''"))
    return {name: "".join(sql.split()).replace('"', "") for name, sql in rows}


def catalog(connection: Connection) -> dict[str, Any]:
    """Return columns, constraints, indexes and partitions, as PostgreSQL says them."""
    found: dict[str, Any] = defaultdict(list)
    for query in CATALOG:
        for name, *what in connection.exec_driver_sql(query):
            found[name].append(tuple(what))
    return dict(found)


RELATIONS = """
    SELECT relname, relkind, pg_get_partkeydef(oid), pg_get_expr(relpartbound, oid)
    FROM pg_class WHERE relnamespace = 'public'::regnamespace"""
COLUMNS = """
    SELECT relname, attname, format_type(atttypid, atttypmod), attnotnull, collname,
        pg_get_expr(adbin, adrelid)
    FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
        LEFT JOIN pg_collation ON attcollation = pg_collation.oid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND attnum > 0
        AND NOT attisdropped
    ORDER BY attnum"""
CONSTRAINTS = """
    SELECT relname, conname, pg_get_constraintdef(pg_constraint.oid)
    FROM pg_class JOIN pg_constraint ON conrelid = pg_class.oid
    WHERE relnamespace = 'public'::regnamespace ORDER BY conname"""
INDEXES = """
    SELECT relname, pg_get_indexdef(oid)
    FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('i', 'I')"""
CATALOG = (RELATIONS, COLUMNS, CONSTRAINTS, INDEXES)


@contextmanager
def described(databases: Databases) -> Iterator[Database]:
    """Yield a database with the tables that the schema describes."""
    with databases.place() as url:
        if not databases.is_postgresql:
            new_database(url).close()
        database = Database(url)
        if databases.is_postgresql:
            with database.write() as connection:
                for statement in ddl.statements():
                    connection.exec_driver_sql(statement)
        yield database
        database.close()


def is_of_the_schema(name: str | None, kind: str, _parents: object) -> bool:
    return kind != "table" or not text_index.is_part(name or "")


def test_an_empty_database_gets_the_tables_of_the_schema(sqlite):
    sqlite.upgrade()
    with sqlite.read() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": is_of_the_schema})
        assert compare_metadata(context, schema.metadata) == []
        assert migrations.current(connection) == migrations.HEAD
        names = {*inspect(connection).get_table_names()} - {"alembic_version"}
        assert set(filter(text_index.is_part, names)) == INDEX
        assert names - INDEX == {*schema.metadata.tables}


def test_the_tables_are_exactly_those_of_the_schema(database, databases):
    """Partial indexes, key order, partitions too, which Alembic's comparison does not look at.

    If this fails on PostgreSQL alone while 0004 was never released: `scripts/ddl` prints its SQL.
    """
    database.upgrade()
    with described(databases) as expected:
        assert statements(database) == statements(expected)
        assert len(statements(expected)) > len(schema.metadata.tables)


def test_all_texts_are_compared_byte_by_byte_on_postgresql(postgresql):
    with postgresql.database() as url:
        database = Database(url)
        with database.read() as connection:
            columns = connection.exec_driver_sql(COLUMNS).all()
        database.close()
    found = {
        (type_, collation) for name, _, type_, _, collation, _ in columns if "alembic" not in name
    }
    assert {collation for type_, collation in found if type_ == "text"} == {"C"}
    assert {type_ for type_, collation in found if collation} == {"text"}


def first_tables(database: Database) -> None:
    """Make the tables of revision 0001, with people of every role of then."""
    with database.write() as connection:
        upgrade_to("0001", connection)
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


def test_people_of_the_first_tables_are_kept_with_their_roles(sqlite):
    first_tables(sqlite)
    sqlite.upgrade()
    with sqlite.read() as connection:
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


def test_tokens_of_the_first_tables_go_on_working_for_everything(sqlite):
    first_tables(sqlite)
    sqlite.upgrade()
    with sqlite.read() as connection:
        found = {token.id: token for token in tokens.list_tokens(connection)}
    assert found.keys() == {"token-time", *(f"token-{name}" for name in OLD_ROLES)}
    for token in found.values():
        assert token.scopes == set(TokenScope)
        assert (token.login_type, token.created_at, token.last_used_at) == ("token", 5, None)
    assert found["token-time"].expires_at == 99
    assert found["token-ben"] == tokens.Token(
        "token-ben", "id-ben", "ben", "laptop", frozenset(TokenScope), "token", 5, None, None
    )


def test_an_upgrade_of_the_first_tables_makes_the_tables_of_today_and_everyone(sqlite, tmp_path):
    first_tables(sqlite)
    sqlite.upgrade()
    expected = new_database(f"sqlite:///{tmp_path / 'described.db'}")
    assert statements(sqlite) == statements(expected)
    expected.close()
    with sqlite.read() as connection:
        (everyone,) = groups.list_groups(connection)
        members = [member.username for member in groups.members(connection, everyone)]
    assert (everyone.id, everyone.name) == (EVERYONE, "Everyone")
    assert members == ["Ana", "ben", "cleo", "dan", "zoe"]


def test_what_comes_in_after_an_upgrade_has_to_say_its_scopes(sqlite):
    """What was told for the old rows is no default for new ones: that would be a right too many."""
    first_tables(sqlite)
    sqlite.upgrade()
    unsaid = ("token-new", "id-Ana", "new", "0" * 64, 5, None)
    with pytest.raises(IntegrityError), sqlite.write() as connection:
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


def test_of_several_that_start_at_once_one_upgrades_and_the_others_wait(databases):
    with databases.place() as url:
        several = [Database(url) for _ in range(4)]
        with ThreadPoolExecutor(len(several)) as pool:
            list(pool.map(Database.upgrade, several))
        with several[0].read() as connection:
            assert migrations.is_up_to_date(connection)
            assert [group.name for group in groups.list_groups(connection)] == ["Everyone"]
        for each in several:
            each.close()


def test_an_upgrade_that_fails_leaves_nothing_behind(database, monkeypatch):
    monkeypatch.setattr(migrations, "_run", half_done)
    with pytest.raises(RuntimeError):
        database.upgrade()
    assert statements(database) == {}


def half_done(connection, revision):
    assert revision is None
    connection.execute(text("CREATE TABLE half (id INTEGER)"))
    raise RuntimeError("interrupted")


CALLS = [
    Call(1, prompts=("Mend the roof",)),
    Call(2, prompts=("Mend the", "Roof!"), tools=("bash", "read"), arguments='{"a":"x\\ny"}'),
    Call(3, tools=("bash",)),
    Call(4, prompts=("Mend the roof",), running=True),
    Call(5, tokens=((1, 2, 3, 4), (5, 6, 7, 8)), thoughts=("Hm.",)),
    Call(6, 3600, tokens=((9, 9, 9, 900),), columns={"client": None, "error_message": "Too slow"}),
    Call(7, 5, session="s", prompts=("Hi.",)),
    Call(8, 5000, session="s", initiator=BEN, columns={"error_type": "overloaded_error"}),
    Call(9, 9000, session="s"),
    *(Call(number, prompts=(f"number {number}",)) for number in range(10, 1200)),
]


@pytest.mark.parametrize("revision", ["0001", "0002", "0003"])
def test_what_is_on_record_already_is_as_what_is_written_now(sqlite, tmp_path, revision):
    new = new_database(f"sqlite:///{tmp_path / 'new.db'}")
    with new.write() as connection:
        record(connection, *CALLS)
        expected = indexed_words(connection)
    with sqlite.write() as connection:
        upgrade_to(revision, connection)
        record_of_old(connection, CALLS)
        if revision == "0003":
            connection.exec_driver_sql(OLD_INDEX)
    sqlite.upgrade()
    with sqlite.read() as connection:
        assert indexed_words(connection) == expected
    assert on_record(sqlite) == on_record(new)
    new.close()
    assert {(uid(2), "prompt", "roof", 2), (uid(2), "tool", "y", 3)} < expected
    assert {(uid(6), "error", "slow", 1)} < expected
    assert {id_ for id_, *_ in expected} == {call.id for call in CALLS} - {
        uid(number) for number in (4, 5, 9)
    }


OLD_INDEX = """CREATE VIRTUAL TABLE text_index USING fts5(
    prompt, tool, content='', columnsize=0, tokenize='unicode61 remove_diacritics 2')"""


def record_of_old(connection: Connection, calls: list[Call]) -> None:
    """Write calls and their sessions as the tables of before 0004 have them."""
    by_session: dict[tuple[str, str], list[Call]] = defaultdict(list)
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for call in calls:
        rows["interceptions"].append(call.row())
        for name, child in call.children():
            rows[name].append(child)
        if not call.running:
            by_session[call.initiator, call.session_id].append(call)
    rows["sessions"] = [summary(*key, members) for key, members in by_session.items()]
    old = MetaData()
    old.reflect(connection, only=list(rows))
    for name, values in rows.items():
        known = old.tables[name].c.keys()
        connection.execute(
            insert(old.tables[name]), [{key: row[key] for key in known} for row in values]
        )


def on_record(database: Database) -> dict[str, Any]:
    """Return the rows of the record, with kinds instead of their numbers."""
    with database.read() as connection:
        kinds = {row[0]: tuple(row[1:]) for row in connection.execute(select(schema.kinds))}
        return {
            table.name: sorted(
                tuple(
                    kinds.get(value) if name == "kind_id" else value
                    for name, value in row._mapping.items()
                )
                for row in connection.execute(select(table))
            )
            for table in (schema.interceptions, schema.sessions, *COUNTED)
        }


DAY = 86_400_000_000
COUNTED = (schema.session_kinds, schema.initiator_kinds)


def configured(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["connection"] = connection
    return config


def upgrade_to(revision: str, connection: Connection) -> None:
    command.upgrade(configured(connection), revision)


def test_what_is_on_record_stays_when_several_servers_become_possible(database):
    with database.write() as connection:
        if database.is_postgresql:
            stamp(migrations.BEFORE_POSTGRESQL, connection)
        upgrade_to("0004", connection)
        if database.is_postgresql:  # each of these texts lies in one row, as it did then
            connection.exec_driver_sql("ALTER TABLE text_index ALTER portion SET DEFAULT 0")
        record(connection, *CALLS[:9])
        before = everything(connection)
    database.upgrade()
    with database.read() as connection:
        after = everything(connection)
    assert after.pop("servers") == after.pop("journals") == []
    before["interceptions"] = [(*row, None, "", None) for row in before["interceptions"]]
    before["users"] = [(*row, None, None) for row in before["users"]]
    not_rated = (0, None, "not rated")
    usages = Counter((call.session_id, call.initiator) for call in CALLS[:9] for _ in call.tokens)
    before["sessions"] = [(*row, 0, usages[row[0], row[1]]) for row in before["sessions"]]
    before["token_usages"] = [(*row, 0, 0, 0, 0, *not_rated) for row in before["token_usages"]]
    facets = {row[1:5] for row in after["kinds"] if row[-1] == 0}
    assert facets == {row[1:5] for row in before["kinds"]}
    after["kinds"] = [row for row in after["kinds"] if row[0] <= len(before["kinds"])]
    assert after.pop("prices") == after.pop("model_prices") == after.pop("annotations") == []
    days = after.pop("daily_usage")
    ended = [row for row in before["interceptions"] if row[21] is not None]
    assert {row[1:3] for row in days} == {(row[21] // DAY * DAY, "") for row in ended}
    assert {row[4] for row in days} == {0}
    assert sum(row[5] for row in days) == len(ended)
    used = [sum(row[column] for row in before["token_usages"]) for column in range(3, 7)]
    assert [sum(row[column] for row in days) for column in range(6, 10)] == used
    assert sum(row[11] for row in days) == len(before["token_usages"])
    later = ("correlation_keys", "allotments", "account_spend", "budget_events", "caps")
    assert [after.pop(name) for name in later] == [[]] * len(later)
    assert after == before


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_words_of_texts_that_lay_in_several_rows_stay(database):
    """Those beyond the first row lose their places; see `aibridge.store.search.index.tsvector`."""
    rows = [(0, "a:1 roof:2", ""), (1, "roof:1 door:2", "bash:1"), (2, "x:1", "")]
    with database.write() as connection:
        stamp(migrations.BEFORE_POSTGRESQL, connection)
        upgrade_to("0010", connection)
        for row in rows:
            values = f"7, 'id', {row[0]}, '{row[1]}', '{row[2]}', ''"
            connection.exec_driver_sql(f"INSERT INTO text_index VALUES ({values})")  # noqa: S608
        connection.exec_driver_sql("INSERT INTO text_index VALUES (7, 'other', 0, 'a:1', '', '')")
    database.upgrade()
    with database.read() as connection:
        found = connection.exec_driver_sql("SELECT * FROM text_index ORDER BY 2").all()
    assert [tuple(row) for row in found] == [
        (7, "id", "'a':1 'door' 'roof':2 'x'", "'bash'", ""),
        (7, "other", "'a':1", "", ""),
    ]


def everything(connection: Connection) -> dict[str, list[Any]]:
    """Return all rows of all tables that are there."""
    old = MetaData()
    old.reflect(connection)
    tables = [each for each in old.sorted_tables if each.name in schema.metadata.tables]
    return {
        each.name: sorted((tuple(row) for row in connection.execute(select(each))), key=str)
        for each in tables
    }


def stamp(revision: str, connection: Connection) -> None:
    command.stamp(configured(connection), revision)


def test_what_was_acted_upon_gets_a_uuid_and_keeps_the_id_it_had(database):
    acts = {
        1: ("user", uid(7)),
        2: ("api_key", "k3uYl0aWpQ"),
        3: ("ai_response", "resp_" + "0" * 31),
        4: ("group", uid(8)),
        5: ("ai_conversation", uid(9)),
        6: ("api_key", "k3uYl0aWpQ"),
    }
    with database.write() as connection:
        if database.is_postgresql:
            stamp(migrations.BEFORE_POSTGRESQL, connection)
        upgrade_to("0008", connection)
        log = table("audit_log", *columns(*OLD_ACT, "id", "resource_type", "resource_id"))
        for number, (kind, id_) in acts.items():
            row = {**OLD_ACT, "id": uid(number), "resource_type": kind, "resource_id": id_}
            connection.execute(insert(log).values(row))
    database.upgrade()
    with database.read() as connection:
        query = select(schema.audit_log.c.resource_id, schema.audit_log.c.resource_key)
        found = connection.execute(query.order_by(schema.audit_log.c.id)).all()
    expected = [(uuid_of(id_), "" if uuid_of(id_) == id_ else id_) for _, id_ in acts.values()]
    assert [tuple(row) for row in found] == expected
    assert [bool(key) for _, key in expected] == [False, True, True, False, False, True]


OLD_ACT = {
    "at": 5,
    "actor_id": uid(1),
    "actor_username": "ana",
    "token_id": "",
    "ip": "",
    "user_agent": "",
    "action": "write",
    "resource_target": "x",
    "diff": "{}",
    "description": "",
}
