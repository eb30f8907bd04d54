"""What is particular to PostgreSQL: opening it, and the bare connection for the record."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.types.string import StrBinaryDumper, StrDumperUnknown
from sqlalchemy import URL, Connection, Engine, create_engine, event, text

from aibridge.store.arrays import write_many
from aibridge.store.breaking import break_off
from aibridge.store.statements import Write

OLDEST = 140_000
"""The oldest release of PostgreSQL that has what is used here."""
CONNECT_TIMEOUT_SECONDS = 5
STALL_SECONDS = 10
"""How long what was sent may stay without a sign that it arrived."""

READING: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
"""Options of a transaction that reads: all its statements see one state of the data."""

TURN_LOCK = 0x41494272_00000001
"""The advisory lock of who writes anything but the record."""

_NUL, _REPLACEMENT = b"\0", "\ufffd".encode()
_CONNECTION = {
    "application_name": "aibridge",
    "connect_timeout": CONNECT_TIMEOUT_SECONDS,
    "tcp_user_timeout": STALL_SECONDS * 1000,
    "keepalives_idle": STALL_SECONDS,
    "keepalives_interval": STALL_SECONDS // 3,
    "keepalives_count": 3,
}
"""How libpq connects, where the address of the database does not say otherwise."""
_SETTINGS = {
    # Every list has other filters, and a plan made for all of them would look into all partitions.
    "plan_cache_mode": "force_custom_plan",
    "timezone": "UTC",
}
_PROBE = "UPDATE alembic_version SET version_num = '' WHERE false"
"""Changes nothing, and fails where nothing can be written, as on a server that only follows."""
_PREPARE = """SELECT set_config('synchronous_commit', 'on', false)
 WHERE current_setting('synchronous_commit') = 'off'"""


def open_engine(url: URL, *, busy_timeout_seconds: float) -> Engine:
    """Return an engine whose connections are set as durability and our queries need it."""
    settings = _SETTINGS | {"lock_timeout": f"{round(busy_timeout_seconds * 1000)}ms"}
    options = [f"-c {name}={value}" for name, value in settings.items()]
    given = url.query.get("options", ())
    options[:0] = [given] if isinstance(given, str) else given
    unless_said = {name: value for name, value in _CONNECTION.items() if name not in url.query}
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args=unless_said | {"options": " ".join(options)},
        pool_pre_ping=True,  # the database may have been restarted since
        hide_parameters=True,  # they are people's prompts: no error may show them
    )
    event.listen(engine, "connect", _prepare)
    return engine


def _prepare(connection: "psycopg.Connection[Any]", _record: object) -> None:
    """Have commits survive a crash, whatever the server's default, and every text be taken."""
    connection.adapters.register_dumper(str, _Text)
    connection.adapters.register_dumper(str, _BinaryText)
    connection.execute(_PREPARE)
    connection.commit()


class _Text(StrDumperUnknown):
    """Texts for PostgreSQL, which refuses NUL: U+FFFD stands for it, as for what is no text."""

    def dump(self, obj: str) -> bytes:
        return obj.encode().replace(_NUL, _REPLACEMENT)


class _BinaryText(StrBinaryDumper):
    """The same within arrays, and wherever else texts go as they are."""

    def dump(self, obj: str) -> bytes:
        return obj.encode().replace(_NUL, _REPLACEMENT)


def unfit(connection: Connection) -> str | None:
    """Say why a database cannot be used, if it cannot."""
    version = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one())
    if version < OLDEST:
        return f"it is PostgreSQL {version // 10_000}; {OLDEST // 10_000} or newer is needed"
    encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
    if encoding != "UTF8":
        return f"its encoding is {encoding}; make one with ENCODING 'UTF8' TEMPLATE template0"
    return None


def take_turn(connection: Connection, *, patiently: bool) -> None:
    """Wait until nobody else writes; the turn ends with the transaction.

    ``patiently`` is without end: an upgrade of much data takes a while.
    """
    if patiently:
        connection.execute(text("SET LOCAL lock_timeout = 0"))
    connection.execute(text(f"SELECT pg_advisory_xact_lock({TURN_LOCK})"))


class PostgreSQLLink:
    """A connection of the driver itself, for the one thread that writes the record.

    It connects when it is first used, and again after the connection was lost. What is done in a
    transaction is sent without waiting for answers (pipeline mode), and waited for at its end.
    """

    def __init__(self, engine: Engine, *, lock_seconds: float | None = None) -> None:
        self._engine = engine
        self._lock_seconds = lock_seconds
        self._connection: psycopg.Connection[Any] | None = None
        self._in_transaction = False

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make everything done inside durable at the end, or nothing of it."""
        connection = self._connected()
        self._in_transaction = True
        try:
            with connection.pipeline():
                connection.execute("BEGIN")
                connection.execute(_PROBE)
                yield
                connection.execute("COMMIT")
        except BaseException:
            self._roll_back(connection)
            raise
        finally:
            self._in_transaction = False

    def _roll_back(self, connection: "psycopg.Connection[Any]") -> None:
        try:
            if not connection.closed:
                connection.execute("ROLLBACK")
        except psycopg.Error:
            self.close()

    def select(self, sql: str, parameters: Mapping[str, Any], most: int) -> list[Any]:
        """Return the first rows of a query."""
        return self._connected().execute(sql, parameters).fetchmany(most)

    def write(self, write: Write, rows: Sequence[Sequence[Any]]) -> None:
        """Write rows of one kind, in the order of their key if they have one."""
        write_many(self.cursor, write, rows)

    @property
    def cursor(self) -> "psycopg.Cursor[Any]":
        """A cursor of the connection."""
        return self._connected().cursor()

    def _connected(self) -> "psycopg.Connection[Any]":
        connection = self._connection
        if connection is None or (connection.closed and not self._in_transaction):
            connection = self._connection = _connect(self._engine)
            if self._lock_seconds is not None:
                milliseconds = round(self._lock_seconds * 1000)
                connection.execute(f"SET lock_timeout = {milliseconds}")
        return connection

    def break_off(self) -> None:
        """Let what another thread does on it fail now. Never waits."""
        break_off(self._connection)

    def close(self) -> None:
        """Give up the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _connect(engine: Engine) -> "psycopg.Connection[Any]":
    """Return a connection that begins no transaction of itself."""
    found = engine.raw_connection()
    connection = found.driver_connection
    assert isinstance(connection, psycopg.Connection)  # noqa: S101 - the dialect's
    found.detach()
    connection.autocommit = True
    return connection
