"""Breaking off what waits too long for the database."""

import contextlib
import os
import socket
import sqlite3

import psycopg

from aibridge.store.trouble import DRIVER_ERRORS


def break_off(connection: object) -> None:
    """Let what another thread does on a connection of the driver fail now. Never waits.

    What becomes of a commit that is under way then, nobody knows.
    """
    with contextlib.suppress(OSError, *DRIVER_ERRORS):
        if isinstance(connection, sqlite3.Connection):
            connection.interrupt()
        elif isinstance(connection, psycopg.Connection):
            with socket.socket(fileno=os.dup(connection.fileno())) as copy:
                copy.shutdown(socket.SHUT_RDWR)
