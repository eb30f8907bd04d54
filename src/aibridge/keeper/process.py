"""The keeper as a process: it works until its bridge tells it to end, or is gone itself."""

import asyncio
import fcntl
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import msgspec
import structlog

from aibridge.agents import Agents
from aibridge.collecting import spare_collecting
from aibridge.keeper.bounds import Bounded, Bounds
from aibridge.keeper.keeper import Keeper, Rules
from aibridge.keeper.prices import Prices
from aibridge.keeper.settings import KeeperSettings
from aibridge.logs import set_up_logging
from aibridge.prices.installed import CatalogueError, installed_catalogue
from aibridge.reading.request import Reading
from aibridge.recorder.membership import Membership
from aibridge.recorder.retention import purge_regularly
from aibridge.store.engine.database import Database
from aibridge.store.engine.servers import Lease
from aibridge.store.record import partitions

_log = structlog.get_logger()

LOOK_SECONDS = 1.0
LOCK = "keeper.lock"


def main() -> None:
    """Keep the record as standard input says, until that ends or SIGTERM comes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the bridge, which tells this one
    over = Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    settings = msgspec.json.decode(sys.stdin.buffer.readline(), type=KeeperSettings)
    set_up_logging(settings.log_level)
    Thread(target=_end_with_bridge, args=(over,), daemon=True).start()
    spare_collecting()
    keep(settings, over, Bounds())


def keep(settings: KeeperSettings, over: Event, bounded: Bounded) -> None:
    """Keep the record until ``over`` is set."""
    root = Path(settings.journals)
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _only_keeper(root), closing(Database(settings.database_url)) as database:
        lease = Lease() if database.is_postgresql else None
        with _membership(database, lease, root):
            prices = _prices(database, settings)
            keeper = Keeper(root, database, _rules(settings), bounded, over.is_set, lease, prices)
            with _chores(keeper, database, settings):
                keeper.run()


def _prices(database: Database, settings: KeeperSettings) -> Prices | None:
    """Return the prices to rate with; without any the record is kept all the same."""
    folder = Path(settings.catalogue)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        catalogue = installed_catalogue(folder)
    except (CatalogueError, OSError) as error:
        _log.error("calls_not_rated", error=str(error))
        return None
    return Prices(database, catalogue, settings.geographies)


def _rules(settings: KeeperSettings) -> Rules:
    return Rules(
        Reading(Agents(settings.agents), settings.max_body_bytes),
        kept_seconds=settings.kept_seconds,
        kept_bytes=settings.kept_bytes,
        lingers=settings.lingers,
        session_pause=settings.session_pause,
    )


def _end_with_bridge(over: Event) -> None:
    sys.stdin.buffer.read()  # nothing comes but the end
    over.set()


@contextmanager
def _only_keeper(root: Path) -> Iterator[None]:
    """Be the one keeper of some journals; one that is about to end is waited for."""
    lock = os.open(root / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


@contextmanager
def _membership(database: Database, lease: Lease | None, root: Path) -> Iterator[None]:
    """Be one server of those that share a PostgreSQL."""
    if lease is None:
        yield
        return
    membership = Membership(database, lease, note=root / "server")
    membership.begin()
    try:
        yield
    finally:
        membership.end()


@contextmanager
def _chores(keeper: Keeper, database: Database, settings: KeeperSettings) -> Iterator[None]:
    """Do beside the keeper what is to be done now and then."""
    seconds = settings.retention
    retention = None if seconds is None else timedelta(seconds=seconds)

    async def look_after() -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            keeper.look_after()

    async def chores() -> None:
        begun = [
            purge_regularly(database, retention),
            partitions.prepare_regularly(database),
            look_after(),
        ]
        if settings.webhook_url:
            from aibridge.keeper.webhook import Webhook, tell_regularly  # noqa: PLC0415 - 20 MB

            webhook = Webhook(settings.webhook_url, settings.webhook_key)
            begun.append(tell_regularly(database, webhook))
        doing = [asyncio.create_task(each) for each in begun]
        await asyncio.to_thread(done.wait)
        for each in doing:
            each.cancel()
        await asyncio.gather(*doing, return_exceptions=True)

    done = Event()
    thread = Thread(target=lambda: asyncio.run(chores()), name="chores", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
