"""The whole bridge on a real socket, in a thread, over a database in a temporary folder."""

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from sqlalchemy import select

from aibridge.app import Application
from aibridge.contract import SiteRole, TokenScope
from aibridge.journal.catching_up import CatchingUp
from aibridge.keeper.process import keep
from aibridge.keeper.settings import keeper_settings
from aibridge.keeper.status import StatusFile
from aibridge.listener.server import Server
from aibridge.listener.sockets import bound
from aibridge.principals import ALL_SCOPES
from aibridge.settings import Settings, load
from aibridge.store.engine.database import Database
from aibridge.store.people.users import User
from aibridge.store.schema import tables as schema
from tests.builders import RECORD, forget
from tests.databases import locked
from tests.people import new_token, new_user
from tests.wire import PATIENCE, Answer, ask

Row = dict[str, Any]
Found = TypeVar("Found")

PRICES = Path(__file__).parent.parent / ".pytest_cache" / "prices"
KEY = "sk-provider-key-0123456789"
"""The key that every provider of `providers` is configured with."""

ROUTES = {
    "messages": "/api/v2/aibridge/anthropic/v1/messages",
    "chat": "/api/v2/aibridge/openai/v1/chat/completions",
    "responses": "/api/v2/aibridge/openai/v1/responses",
}
"""The recorded route of each dialect."""

KEEPER = "keeper"
"""The name of the thread that keeps the record."""

LOOK_SECONDS = 0.005
_JSON = ("metadata", "edits", "notes")


def providers(url: str, **options: Any) -> list[dict[str, Any]]:
    """Return providers of every auth style whose upstream is at ``url``."""
    return [
        {"type": "anthropic", "base_url": url, "api_keys": [KEY]},
        {"type": "openai", "base_url": f"{url}/v1", "api_keys": [KEY], **options},
        {"type": "azure", "base_url": f"{url}/v1", "api_keys": [KEY]},
        {"type": "copilot", "base_url": url},
    ]


@dataclass
class Record:
    """An interception as it stands in the database, with what is recorded under it."""

    row: Row
    prompts: list[Row]
    usages: list[Row]
    tools: list[Row]
    thoughts: list[Row]

    def __getattr__(self, name: str) -> Any:
        try:
            return self.row[name]
        except KeyError:
            raise AttributeError(name) from None


@dataclass
class Bridge:
    """A running bridge. ``token`` is a member's, ``user`` is who they are."""

    url: str
    database: Database
    app: Application
    server: Server
    user: User
    token: str
    catching_up: CatchingUp
    keeper: StatusFile

    def headers(self, *more: tuple[str, str]) -> list[tuple[str, str]]:
        """Return the headers of a member's request."""
        return [("authorization", f"Bearer {self.token}"), *more]

    def ask(self, target: str, **request: Any) -> Answer:
        """Make a request as the member."""
        request["headers"] = self.headers(*request.get("headers", ()))
        return ask(self.url, target, **request)

    def post(self, dialect: str, body: Mapping[str, Any], *headers: tuple[str, str]) -> Answer:
        """Ask the route of a dialect as the member."""
        return self.ask(ROUTES[dialect], body=json.dumps(body).encode(), headers=headers)

    def barrier(self) -> None:
        """Let the bridge take what has come to its sockets by now."""
        for _ in range(3):
            assert ask(self.url, "/healthz", method="GET").status == 200

    def add_user(
        self,
        name: str,
        *roles: SiteRole,
        lifetime: timedelta | None = None,
        scopes: Iterable[TokenScope] = ALL_SCOPES,
    ) -> str:
        """Make a user and return a token of theirs."""
        with self.database.write() as connection:
            user = new_user(connection, name, *roles)
            return new_token(connection, user, lifetime=lifetime, scopes=scopes)

    def rows(self, table: str) -> list[Row]:
        """Return all rows of a table, in the order of their ids, with JSON read.

        All that the journal has by now is in the record then, where the database takes it.
        """
        self.catch_up()
        found = schema.metadata.tables[table]
        with self.database.read() as connection:
            rows = connection.execute(select(found).order_by(*found.primary_key)).mappings()
            return [_read(row) for row in rows]

    def records(self) -> list[Record]:
        """Return all interceptions, oldest first."""
        children = [self.rows(table.name) for table in RECORD[1:5]]
        return [
            Record(
                row, *([c for c in rows if c["interception_id"] == row["id"]] for rows in children)
            )
            for row in self.rows("interceptions")
        ]

    def record(self) -> Record:
        """Return the only interception."""
        (record,) = self.records()
        return record

    def catch_up(self) -> None:
        """Wait until the record has what the journal has, where the database takes it."""
        until = time.monotonic() + PATIENCE
        while not (self.catching_up.wait(PATIENCE) or self.keeper.read().trouble):
            assert time.monotonic() < until, "the keeper does not read the journal"
            time.sleep(LOOK_SECONDS)

    def wait_for(self, find: Callable[[], Found]) -> Found:
        """Look again and again until there is something to find."""
        until = time.monotonic() + PATIENCE
        while not (found := find()):
            assert time.monotonic() < until, "what is waited for was not recorded"
            time.sleep(LOOK_SECONDS)
        return found

    def ended(self) -> Record:
        """Wait until the only interception has ended, and return it."""
        self.wait_for(lambda: [row for row in self.rows("interceptions") if row["ended_at"]])
        return self.record()

    def forget(self) -> None:
        """Empty the record."""
        self.catch_up()
        with self.database.write() as connection:
            forget(connection)

    def locked(self) -> AbstractContextManager[Callable[[], None]]:
        """Hold the database's write lock, until the end or until what is given is called."""
        return locked(self.database)


def _read(row: Mapping[Any, Any]) -> Row:
    return {
        name: json.loads(value) if name in _JSON and value is not None else value
        for name, value in row.items()
    }


@contextmanager
def serve(folder: Path, configured: list[dict[str, Any]], **options: Any) -> Iterator[Bridge]:
    """Run a bridge with these providers and options as long as the ``with`` lasts."""
    config = {"host": "127.0.0.1", "port": 0, "data_dir": folder, "providers": configured}
    settings = load(None, {}, config | options)
    database = Database(settings.database_url)
    database.upgrade()
    with database.write() as connection:
        user = new_user(connection, "ana")
        token = new_token(connection, user)
    listening = threading.Event()
    urls: list[str] = []

    def tell(url: str) -> None:
        urls.append(url)
        listening.set()

    with bound(settings.host, settings.port) as sockets, keeping(settings):
        application = Application(settings, database)
        server = Server(application, settings, settings.stop_seconds, tell)
        thread = threading.Thread(target=server.run, args=(sockets,))
        thread.start()
        try:
            assert listening.wait(PATIENCE), "the bridge did not start"
            kept = CatchingUp(settings.journals), StatusFile(settings.journals)
            yield Bridge(urls[0], database, application, server, user, token, *kept)
        finally:
            server.should_exit = True
            thread.join(PATIENCE)
            database.close()
            assert not thread.is_alive(), "the bridge did not stop"


def share_prices(folder: Path) -> None:
    """Let a data directory share the price lists of all tests, which take a second to make."""
    PRICES.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(exist_ok=True)
    with suppress(FileExistsError):
        (folder / "prices").symlink_to(PRICES)


@contextmanager
def keeping(settings: Settings) -> Iterator[None]:
    """Keep the record of a bridge in a thread of this process, which lingers for nobody."""
    over = threading.Event()
    share_prices(settings.data_dir)
    told = msgspec.structs.replace(keeper_settings(settings), lingers=False)
    thread = threading.Thread(target=keep, args=(told, over, nullcontext), name=KEEPER)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(PATIENCE)
        assert not thread.is_alive(), "the keeper did not stop"
