"""The bare connection that writes the record on PostgreSQL."""

import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from aibridge.store.engine.bulk import Write, write_arrays

_PROBE = "UPDATE alembic_version SET version_num = '' WHERE false"
"""Changes nothing, and fails where nothing can be written, as on a server that only follows."""
_SERVES = "SELECT aibridge_serves(%s)"


class PostgreSQLLink:
    """A connection of the driver itself, for the one thread that writes the record.

    It connects when it is first used, and again after the connection was lost. What is done in a
    transaction is sent without waiting for answers (pipeline mode), and waited for at its end.
    What the driver raises is raised as SQLAlchemy does it.
    """

    def __init__(self, engine: Engine, *, lock_seconds: float | None = None) -> None:
        self._engine = engine
        self._lock_seconds = lock_seconds
        self._connection: psycopg.Connection[Any] | None = None
        self._in_transaction = False

    @contextmanager
    def transaction(self, server_id: int | None = None) -> Iterator[None]:
        """Make everything done inside durable at the end, or nothing of it.

        With ``server_id`` only as long as that server is not taken for gone.
        """
        connection = self._connected()
        self._in_transaction = True
        try:
            with connection.pipeline():
                connection.execute("BEGIN")
                connection.execute(_PROBE)
                if server_id is not None:
                    connection.execute(_SERVES, (server_id,))
                yield
                connection.execute("COMMIT")
        except psycopg.Error as error:
            self._roll_back(connection)
            raise _told(error) from error
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
        try:
            return self._connected().execute(sql, parameters).fetchmany(most)
        except psycopg.Error as error:
            raise _told(error) from error

    def listen(self, channel: str) -> None:
        """Have notifications of a channel, a name of ours, come in from now on."""
        try:
            self._connected().execute(f"LISTEN {channel}")
        except psycopg.Error as error:
            raise _told(error) from error

    def news(self, seconds: float) -> list[str]:
        """Wait for notifications, so long at most, and return what they say."""
        try:
            found = self._connected().notifies(timeout=seconds, stop_after=1)
            return [notification.payload for notification in found]
        except psycopg.Error as error:
            raise _told(error) from error

    def write(self, write: Write, rows: Sequence[Sequence[Any]]) -> None:
        """Write rows of one kind, in the order of their key if they have one."""
        write_arrays(self.cursor, write, rows)

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
        """Let what another thread does on it fail now. Never waits.

        What becomes of a commit that is under way then, nobody knows.
        """
        connection = self._connection
        with suppress(OSError, psycopg.Error):
            if connection is not None:
                with socket.socket(fileno=os.dup(connection.fileno())) as copy:
                    copy.shutdown(socket.SHUT_RDWR)

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


def _told(error: psycopg.Error) -> BaseException:
    """Return an error of the driver as SQLAlchemy tells of it; it shows no values."""
    return DBAPIError.instance(None, None, error, psycopg.Error, hide_parameters=True)
