"""Running the application: the preparations of a start, then uvicorn until it is told to stop."""

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta

import structlog

from aibridge import __version__
from aibridge.addresses import is_loopback
from aibridge.app import Application
from aibridge.collecting import spare_collecting
from aibridge.identity.first import (
    FIRST_LIFETIME,
    FIRST_USER,
    ensure_owner,
    has_used_tokens,
    has_users,
)
from aibridge.journal.folders import check
from aibridge.keeper.settings import keeper_settings
from aibridge.keeper.supervisor import KeeperProcess
from aibridge.listener.server import Server, certificate_of, url_of
from aibridge.listener.sockets import bound, listen
from aibridge.listener.workers import keep_working
from aibridge.logs import set_up_logging
from aibridge.settings import Settings
from aibridge.store.engine.addresses import shown
from aibridge.store.engine.database import Database, parts
from aibridge.store.engine.servers import only_server
from aibridge.store.record import partitions

_log = structlog.get_logger()


def run(
    settings: Settings, *, database_options: str = "", announce: Callable[[str], None] = print
) -> None:
    """Serve until told to stop.

    ``database_options`` bring a command to the same database; they stand in hints.
    Raises `DatabaseError`, `JournalError` or `ListenError` when that cannot begin.
    """
    set_up_logging(settings.log_level)
    _answer_signals()
    certificate_of(settings)  # before anything is made: one that cannot be used stops the start
    with bound(settings.host, settings.port) as sockets:
        _run_on(sockets, settings, announce, database_options)


def _run_on(
    sockets: list[socket.socket],
    settings: Settings,
    announce: Callable[[str], None],
    database_options: str,
) -> None:
    """Serve on bound sockets. An owner is made only once nothing else can take the address."""
    with closing(Database(settings.database_url)) as database, only_server(database):
        _warn(settings)
        check(settings.journals)
        if not database.is_up_to_date():
            database.close()  # no connection is shared
            _upgrade_apart(settings.database_url)
            database.upgrade()
        partitions.prepare(database)
        listen(sockets)
        # At once: whatever comes next may fail, and a token is shown only now.
        for line in _news(database, settings, database_options):
            _say(announce, line)
        if line := _without_keys(settings):
            _say(announce, line)

        def greet(url: str) -> None:
            place = database.file or shown(parts(settings.database_url))
            _say(announce, f"AI Bridge {__version__} serves {url} from {place}")

        with _keeper(settings) as keeper:
            if settings.workers == 1:
                _serve(settings, database, greet, sockets)
            else:
                _serve_together(settings, database, greet, sockets, keeper)


@contextmanager
def _keeper(settings: Settings) -> Iterator[KeeperProcess]:
    """Have the record kept by a process of its own, until nothing more can come."""
    keeper = KeeperProcess(keeper_settings(settings))
    try:
        yield keeper
    finally:
        keeper.stop()


def _serve_together(
    settings: Settings,
    database: Database,
    greet: Callable[[str], None],
    sockets: list[socket.socket],
    keeper: KeeperProcess,
) -> None:
    """Have workers serve, which share the sockets and the keeper, and nothing else."""
    database.close()  # no connection is shared
    greet(url_of(sockets[0], is_tls=settings.tls_cert is not None))
    keep_working(
        settings.workers,
        lambda: _serve(settings, database, lambda _: None, sockets),
        undisturbed=keeper.beginning,
    )


def _answer_signals() -> None:
    """Have SIGTERM stop in good order whatever runs, and others not end a start.

    uvicorn stops at SIGTERM, and then raises it again: as it is, it would end the process at once.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)  # the listener answers them


def _warn(settings: Settings) -> None:
    """Log what makes this an unsafe place to serve from."""
    if os.geteuid() == 0:
        _log.warning("runs_as_root", advice="run it as a user of its own")
    if not (is_loopback(settings.host) or settings.tls_cert or settings.trusted_proxies):
        advice = "set tls_cert and tls_key, or trusted_proxies where a proxy has the certificate"
        _log.warning("tokens_travel_unencrypted", host=settings.host, advice=advice)


def _serve(
    settings: Settings,
    database: Database,
    listening: Callable[[str], None],
    sockets: list[socket.socket],
) -> None:
    """Serve in this process until it is told to stop."""
    spare_collecting()
    application = Application(settings, database)
    server = Server(application, settings, settings.stop_seconds, listening)

    def stop(*_: object) -> None:
        server.should_exit = True

    # Once it has stopped in good order, uvicorn raises the signal again, which must not end the
    # process: what was answered is still on its way into the database.
    signal.signal(signal.SIGTERM, stop)
    with suppress(KeyboardInterrupt):
        server.run(sockets)


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


_OWNER = """\
The owner account '{name}' was made. Its token, shown only now:

    {token}

It is valid for {days} days; make another with aibridge tokens create --user {name}{options}
"""

_NOBODY = "There is no user yet: whoever first calls POST /api/v2/users/first becomes the owner."

_UNUSED = """\
No token has been used yet. Should the owner's be lost, make another on this machine, which needs no
token: aibridge tokens create --user {name}{options}
"""


def _news(database: Database, settings: Settings, options: str = "") -> Iterator[str]:
    """Make the owner where that is due, and yield what whoever starts the bridge has to know."""
    issued = ensure_owner(database) if settings.make_owner else None
    if issued is not None:
        days = FIRST_LIFETIME // timedelta(1)
        yield _OWNER.format(name=FIRST_USER, token=issued.text, days=days, options=options)
    elif not has_users(database):
        yield _NOBODY
    elif settings.make_owner and not has_used_tokens(database):
        yield _UNUSED.format(name=FIRST_USER, options=options)


def _without_keys(settings: Settings) -> str:
    """Say which providers have no key of the bridge's; nothing if all have one."""
    names = ", ".join(one.name for one in settings.providers if not one.api_keys)
    rest = (
        "callers bring their own"
        if settings.allow_byok
        else "allow_byok is false, so their calls are refused"
    )
    return f"{names}: no key is configured; {rest}" if names else ""


def _say(announce: Callable[[str], None], text: str) -> None:
    announce(text)
    sys.stdout.flush()
