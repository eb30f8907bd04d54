"""Running the application: the preparations of a start, then uvicorn until it is told to stop."""

import gc
import logging
import os
import socket
import sys
from asyncio.trsock import TransportSocket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from functools import partial
from math import ceil

import structlog
import uvicorn

from aibridge import __version__
from aibridge.app import Application
from aibridge.identity.first import FIRST_LIFETIME, FIRST_USER, ensure_owner
from aibridge.identity.issuing import Issued
from aibridge.protocol import BoundedProtocol
from aibridge.recorder.recovery import close_interrupted
from aibridge.recorder.replay import replay_all
from aibridge.settings import Settings
from aibridge.store import partitions
from aibridge.store.database import Database, DatabaseError
from aibridge.store.server_lock import only_server
from aibridge.store.spool import Spool
from aibridge.store.spools import is_there, open_spool
from aibridge.workers import keep_working, listen

KEEP_ALIVE_SECONDS = 75
BACKLOG = 4096
GC_THRESHOLDS = (10_000, 20, 50)
"""Requests leave next to no cycles: Python's own thresholds would look for them all the time."""

_NO_NEWS = (
    "without completing response",
    "Unsupported upgrade request",
    "No supported WebSocket library",
)

_log = structlog.get_logger()


def run(settings: Settings, *, announce: Callable[[str], None] = print) -> None:
    """Serve until told to stop.

    Raises `DatabaseError`, `SpoolError` or `OSError` when that cannot begin.
    """
    _set_up_logging(settings.log_level)
    database = Database(settings.database_url)
    if settings.workers > 1 and not database.is_postgresql:
        raise DatabaseError(f"workers is {settings.workers}: more than one need PostgreSQL")
    with only_server(database):
        _upgrade_apart(settings.database_url)
        database.upgrade()
        partitions.prepare(database)
        issued = ensure_owner(database) if settings.make_owner else None
        greet = partial(_greet, announce, issued)
        if settings.workers == 1:
            _serve(settings, database, greet)
        else:
            _serve_together(settings, database, greet)
    database.close()


def _serve_together(settings: Settings, database: Database, greet: Callable[[str], None]) -> None:
    """Have workers serve, which share a socket and nothing else."""
    database.close()  # no connection is shared
    with listen(settings.host, settings.port, BACKLOG) as shared:
        greet(_url(shared))
        keep_working(settings.workers, lambda: _serve(settings, database, lambda _: None, [shared]))


def spare_collecting() -> None:
    """Have the collector of garbage not look through what a start has left behind: it stays."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def _serve(
    settings: Settings,
    database: Database,
    listening: Callable[[str], None],
    sockets: list[socket.socket] | None = None,
) -> None:
    """Serve in this process until it is told to stop."""
    with spool_of(settings, database) as spool:
        closed = close_interrupted(database, spool)
        if closed:
            _log.warning("interceptions_interrupted", closed=closed)
        spare_collecting()
        server = Server(settings, database, spool, listening)
        with suppress(KeyboardInterrupt):  # uvicorn has stopped in good order by then
            server.run(sockets)


@contextmanager
def spool_of(settings: Settings, database: Database) -> Iterator[Spool | None]:
    """Yield this process's spool, `None` where the settings want none.

    What waits on one all the same, from a time when they did, is replayed before.
    """
    recording = settings.recording
    is_wanted = recording.when_unavailable == "spool"
    if not is_wanted and not is_there(settings.data_dir):
        yield None
        return
    with closing(open_spool(settings.data_dir, max_bytes=recording.spool_max_bytes)) as spool:
        if is_wanted:
            yield spool
            return
        close_interrupted(database, spool)
        replay_all(database, spool)
    yield None


def _upgrade_apart(url: str) -> None:
    """Upgrade in a process of its own: what Alembic takes of memory goes when that ends.

    What fails there is left to fail again here, where it can be said. To be called while this
    process has one thread, and no connection that the other would use.
    """
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        Database(url).upgrade()
    finally:
        os._exit(0)


def _set_up_logging(level: str) -> None:
    """Log to standard error, a line an event."""
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=max(number, logging.WARNING), stream=sys.stderr)
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    logging.getLogger("psycopg").setLevel(logging.ERROR)  # of what it warns we are told by errors


def _is_news(record: logging.LogRecord) -> bool:
    """Pass what uvicorn says, but for what happens on purpose.

    That is a connection closed in the midst of an answer that broke off, and a WebSocket refused.
    """
    return not any(text in record.getMessage() for text in _NO_NEWS)


class Server(uvicorn.Server):
    """uvicorn, telling its address once it listens."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        spool: Spool | None,
        listening: Callable[[str], None],
    ) -> None:
        super().__init__(
            uvicorn.Config(
                Application(settings, database, spool),
                host=settings.host,
                port=settings.port,
                loop="uvloop",
                http=BoundedProtocol,
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                backlog=BACKLOG,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=ceil(settings.stop_seconds),
            )
        )
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say where."""
        await super().startup(sockets)
        if self.started:
            self._listening(_url(self.servers[0].sockets[0]))


def _url(listening: socket.socket | TransportSocket) -> str:
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"


_OWNER = """\
The owner account '{name}' was made. Its token, shown only now:

    {token}

It is valid for {days} days; make another with aibridge tokens create --user {name}.
"""


def _greet(announce: Callable[[str], None], issued: Issued | None, url: str) -> None:
    announce(f"AI Bridge {__version__} serves {url}")
    if issued is not None:
        announce(
            _OWNER.format(name=FIRST_USER, token=issued.text, days=FIRST_LIFETIME // timedelta(1))
        )
    sys.stdout.flush()
