"""Writing many rows to PostgreSQL with its COPY."""

from collections.abc import Sequence

import psycopg
from psycopg import sql
from sqlalchemy import Connection, Table

from aibridge.store.transfer.copying.telling import telling
from aibridge.store.transfer.copying.walking import Row


def copy_in(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Write rows within a transaction. What the driver raises is raised as SQLAlchemy does it."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)  # noqa: S101 - the dialect's
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.c)
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), names)
    with telling(), driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
