"""Trouble with the database: whether it is the database's, and what to say of it.

What the database cannot take for now, because it is locked, full, restarting or gone, it will take
later. What is wrong with a row stays wrong with it.
"""

import sqlite3
import sys
from typing import TYPE_CHECKING, TypeGuard

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from aibridge.store.engine.sqlite_files import FileReplaced

if TYPE_CHECKING:
    import psycopg

DRIVER_ERRORS: tuple[type[Exception], ...] = (SQLAlchemyError, sqlite3.Error)
"""What statements raise when the database itself is in trouble.

psycopg's own errors are not among them, so as not to load it where it is not used: all that leaves
`aibridge.store` of them is wrapped as SQLAlchemy does it.
"""

_BROKEN_FILE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_NEVER = ("54",)
"""Classes of SQLSTATE that psycopg counts among the operational, and which stay with the row:
it is over a limit of the engine."""
_AWAY = ("25006", "25P03", "42", "AB001", "XX001", "XX002")
"""Beginnings of other states in which no row can be written: a database that is read-only, a
session that idled too long, tables that are not as they should be, a server that was taken for gone
(`aibridge.store.engine.servers`), damaged files."""
_PLAINLY = (
    ("the database is damaged", _BROKEN_FILE, ("XX001", "XX002")),
    ("the disk of the database is full", {sqlite3.SQLITE_FULL}, ("53100",)),
)
_CANCELLED = "57014"
_SHOWS_VALUES = ("22",)
"""Classes whose messages repeat the value that was wrong."""


def is_away(error: BaseException) -> bool:
    """Say whether the database cannot be used for now; else it never takes what it was given."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or (error.orig is not None and is_away(error.orig))
    if isinstance(error, sqlite3.Error):
        return _sqlite_is_away(error)
    if _is_of_psycopg(error):
        return _postgresql_is_away(error)
    return isinstance(error, PoolTimeoutError)


def is_too_slow(error: BaseException) -> bool:
    """Say whether a statement was broken off because it took too long."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT
    return _is_of_psycopg(cause) and cause.sqlstate == _CANCELLED


def _is_of_psycopg(error: BaseException) -> "TypeGuard[psycopg.Error]":
    driver = sys.modules.get("psycopg")
    return driver is not None and isinstance(error, driver.Error)


def _sqlite_is_away(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return isinstance(error, sqlite3.OperationalError) or code in _BROKEN_FILE


def _postgresql_is_away(error: "psycopg.Error") -> bool:
    import psycopg  # noqa: PLC0415 - it is there, or else there were no such error

    state = error.sqlstate or ""
    if state.startswith(_AWAY):
        return True
    operational = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return operational and not state.startswith(_NEVER)


def plainly(error: BaseException) -> str:
    """Return what is wrong with the database in words for anybody, without names or values."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if isinstance(cause, FileReplaced):
        return "the database's file was deleted or replaced"
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    state = getattr(cause, "sqlstate", None) or ""
    for text, codes, states in _PLAINLY:
        if code in codes or state in states:
            return text
    return "the database is away"


def said(error: BaseException) -> str:
    """Return what to say of an error, in a line, without the values it was about.

    They are people's prompts: what the engine adds about the row, and what SQLAlchemy adds about
    the statement, is left out.
    """
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if isinstance(cause, sqlite3.Error):
        text = str(cause)
    elif _is_of_psycopg(cause) and not (cause.sqlstate or "").startswith(_SHOWS_VALUES):
        text = cause.diag.message_primary or str(cause)
    else:
        text = ""
    return " ".join(text.split()) or type(cause).__name__
