"""What is particular to PostgreSQL: opening it, with the settings that durability needs.

Its driver is imported only where it is used: SQLite can do without the 9 MB that it takes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text

if TYPE_CHECKING:
    import psycopg

OLDEST = 140_000
"""The oldest release of PostgreSQL that has what is used here."""
CONNECT_TIMEOUT_SECONDS = 5
STALL_SECONDS = 10
"""How long what was sent may stay without a sign that it arrived."""

READING: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
"""Options of a transaction that reads: all its statements see one state of the data."""

TURN_LOCK = 0x41494272_00000001
"""The advisory lock of who writes anything but the record."""

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
    # What is dear by the planner's reckoning takes milliseconds, and compiling it hundreds.
    "jit": "off",
    "timezone": "UTC",
}
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
    from aibridge.store.engine.postgresql_texts import take_any_text  # noqa: PLC0415 - with the driver

    take_any_text(connection)
    connection.execute(_PREPARE)
    connection.commit()


@contextmanager
def limited(connection: Connection, seconds: float) -> Iterator[None]:
    """Break off each statement of a transaction that takes longer than some seconds."""
    connection.execute(text(f"SET LOCAL statement_timeout = '{round(seconds * 1000)}ms'"))
    yield


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


@contextmanager
def waiting(connection: Connection, seconds: float) -> Iterator[None]:
    """Begin a transaction that waits for locks for so long at most, and commit it at the end."""
    with connection.begin():
        connection.execute(text(f"SET LOCAL lock_timeout = '{round(seconds * 1000)}ms'"))
        yield
