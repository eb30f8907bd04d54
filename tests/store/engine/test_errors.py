"""Trouble with the database: what passes, what stays, and what is said of it."""

import sqlite3

import psycopg
import pytest
from psycopg import errors
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from aibridge.store.engine.errors import is_away, plainly, said
from aibridge.store.engine.sqlite_files import FileReplaced

PROMPT = "mend the roof"


def sqlite_error(kind: type[sqlite3.Error], code: int, text: str = "") -> sqlite3.Error:
    error = kind(text)
    error.sqlite_errorcode = code
    return error


def wrapped(error: Exception, *, lost: bool = False) -> DBAPIError:
    return DBAPIError("INSERT INTO t VALUES (?)", (PROMPT,), error, connection_invalidated=lost)


AWAY = [
    sqlite3.OperationalError("database is locked"),
    sqlite_error(sqlite3.OperationalError, sqlite3.SQLITE_FULL, "database or disk is full"),
    sqlite_error(sqlite3.OperationalError, sqlite3.SQLITE_READONLY_DIRECTORY),
    sqlite_error(sqlite3.DatabaseError, sqlite3.SQLITE_CORRUPT),
    sqlite_error(sqlite3.DatabaseError, sqlite3.SQLITE_NOTADB),
    psycopg.OperationalError("connection refused"),
    psycopg.InterfaceError("the connection is closed"),
    errors.ConnectionTimeout("timeout"),
    errors.AdminShutdown(),
    errors.CannotConnectNow(),
    errors.TooManyConnections(),
    errors.DiskFull(),
    errors.IoError(),
    errors.QueryCanceled(),
    errors.LockNotAvailable(),
    errors.DeadlockDetected(),
    errors.ReadOnlySqlTransaction(),
    errors.IdleInTransactionSessionTimeout(),
    errors.UndefinedTable(),
    errors.DataCorrupted(),
    PoolTimeoutError(),
    wrapped(sqlite3.OperationalError("database is locked")),
    wrapped(errors.UniqueViolation(), lost=True),
]
STAYING = [
    sqlite_error(sqlite3.IntegrityError, sqlite3.SQLITE_CONSTRAINT_UNIQUE),
    sqlite3.DataError("string or blob too big"),
    sqlite3.ProgrammingError("Error binding parameter 1"),
    errors.UniqueViolation(),
    errors.NotNullViolation(),
    errors.StringDataRightTruncation(),
    errors.ProgramLimitExceeded(),
    errors.CharacterNotInRepertoire(),
    psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes"),
    wrapped(sqlite3.IntegrityError("UNIQUE constraint failed: t.a")),
    ArgumentError("no such column"),
    OverflowError("Python int too large to convert to SQLite INTEGER"),
    UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"),
]


@pytest.mark.parametrize("error", AWAY, ids=repr)
def test_what_the_database_will_take_later_is_no_fault_of_the_row(error):
    assert is_away(error)


@pytest.mark.parametrize("error", STAYING, ids=repr)
def test_what_is_wrong_with_a_row_stays_wrong(error):
    assert not is_away(error)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (sqlite3.OperationalError("database is locked"), "database is locked"),
        (wrapped(sqlite3.OperationalError("disk I/O error")), "disk I/O error"),
        (psycopg.OperationalError("connection failed:\n  refused"), "connection failed: refused"),
        (errors.DiskFull(), "DiskFull"),
        (errors.InvalidTextRepresentation(f"invalid input: {PROMPT}"), "InvalidTextRepresentation"),
        (wrapped(ValueError(PROMPT)), "ValueError"),
        (KeyError(PROMPT), "KeyError"),
    ],
    ids=repr,
)
def test_the_message_is_a_line_without_values(error, text):
    assert said(error) == text


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (sqlite_error(sqlite3.DatabaseError, sqlite3.SQLITE_CORRUPT), "the database is damaged"),
        (
            sqlite_error(sqlite3.DatabaseError, sqlite3.SQLITE_CORRUPT_VTAB),
            "the database is damaged",
        ),
        (sqlite_error(sqlite3.DatabaseError, sqlite3.SQLITE_NOTADB), "the database is damaged"),
        (errors.DataCorrupted(), "the database is damaged"),
        (errors.IndexCorrupted(), "the database is damaged"),
        (
            sqlite_error(sqlite3.OperationalError, sqlite3.SQLITE_FULL),
            "the disk of the database is full",
        ),
        (errors.DiskFull(), "the disk of the database is full"),
        (FileReplaced(), "the database's file was deleted or replaced"),
        (wrapped(FileReplaced()), "the database's file was deleted or replaced"),
        (sqlite3.OperationalError(PROMPT), "the database is away"),
        (psycopg.OperationalError("connection to 10.0.0.5 failed"), "the database is away"),
        (PoolTimeoutError(), "the database is away"),
    ],
    ids=repr,
)
def test_anybody_is_told_neither_values_nor_names(error, text):
    assert plainly(error) == text
