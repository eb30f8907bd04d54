"""The whole program put together: settings in, one ASGI application out."""

import asyncio
from collections.abc import Mapping
from typing import Any

from aibridge import health, metrics
from aibridge.agents import Agents
from aibridge.api.app import create_app, services_of
from aibridge.contract.paths import PREFIXES
from aibridge.durations import microseconds
from aibridge.gateway.admission import Rules
from aibridge.gateway.client import Client, Receive, Send
from aibridge.gateway.gateway import Gateway
from aibridge.gateway.stored import StoredThings
from aibridge.gateway.upstream import Pool, Timeouts
from aibridge.health import Readiness
from aibridge.identity.authenticate import Authenticator
from aibridge.identity.last_use import LastUses
from aibridge.providers.provider import Provider
from aibridge.providers.settings import RESERVED_NAMES
from aibridge.recorder.presence import Presence
from aibridge.recorder.recorder import Recorder
from aibridge.recorder.retention import purge_regularly
from aibridge.settings import Settings
from aibridge.store import partitions
from aibridge.store.database import Database
from aibridge.store.servers import Lease
from aibridge.store.spool import Spool

_BELOW = tuple(f"{prefix}/" for prefix in PREFIXES)


class Application:
    """The bridge as one ASGI application: the gateway, the API beside it, and health probes.

    What belongs to an event loop is made when the server starts (ASGI's lifespan) and closed,
    with all records written, when it stops. While the database is away they wait on the ``spool``;
    without one, calls are refused.
    """

    def __init__(self, settings: Settings, database: Database, spool: Spool | None) -> None:
        self._settings = settings
        self._database = database
        self._spool = spool
        self._uses = LastUses(database)
        self._people = Authenticator(
            database, self._uses, outage_seconds=settings.known_tokens_seconds
        )
        self._api = create_app(
            services_of(
                settings,
                database,
                self._people.person,
                write_last_uses=self._uses.write,
                changed=self._people.changed,
            )
        )
        self._chores: list[asyncio.Task[None]] = []
        self._recorder: Recorder | None = None
        self._pool: Pool | None = None
        self._gateway: Gateway | None = None
        self._presence: Presence | None = None

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Hand a request to the room that serves it."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        path: str = scope["path"]
        if self._gateway is not None and is_gateway_path(path):
            await self._gateway(scope, receive, send)
        elif path in health.PATHS:
            await health.answer(path, Client(receive, send), self._readiness)
        elif path == metrics.PATH:
            unread = 0 if self._gateway is None else self._gateway.unread
            await metrics.answer(Client(receive, send), self._recorder, unread)
        else:
            await self._api(dict(scope), receive, send)

    async def start(self) -> None:
        """Make what serves requests."""
        settings = self._settings
        timeouts = Timeouts(
            settings.connect_timeout_seconds,
            settings.first_byte_timeout_seconds,
            settings.idle_timeout_seconds,
        )
        self._pool = Pool(timeouts)
        self._recorder = Recorder(
            self._database,
            self._spool,
            lease=await self._attend(),
            session_pause=microseconds(settings.session_pause),
        )
        self._gateway = Gateway(
            [Provider.from_settings(one) for one in settings.providers],
            self._people.look_up,
            self._recorder,
            self._pool,
            Rules(
                settings.max_body_bytes,
                settings.max_buffered_bytes,
                settings.allow_byok,
                Agents(settings.agents),
            ),
            StoredThings(self._database, self._recorder),
        )
        self._chores = [
            asyncio.create_task(self._uses.write_regularly()),
            asyncio.create_task(partitions.prepare_regularly(self._database)),
            asyncio.create_task(purge_regularly(self._database, settings.retention)),
        ]

    async def _attend(self) -> Lease | None:
        """Be one server of those that share a PostgreSQL."""
        if self._people.known is None:
            return None
        lease = Lease()
        tell = asyncio.get_running_loop().call_soon_threadsafe
        note = self._spool.note_owner if self._spool else lambda _: None
        self._presence = Presence(self._database, lease, self._people.known, tell, note)
        await asyncio.to_thread(self._presence.begin)
        return lease

    async def stop(self) -> None:
        """Stop serving: every record that was accepted is written first."""
        if self._gateway is not None:
            self._gateway.close()
        if self._pool is not None:
            self._pool.close()
        if self._recorder is not None:
            if self._recorder.is_away:
                self._uses.forget()
            await self._recorder.close()
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores)
        if self._presence is not None:
            await asyncio.to_thread(self._presence.end)
        self._people.close()

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await self.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})

    def _readiness(self) -> Readiness:
        """Look up tokens too: who cannot do that refuses every call."""
        recorder = self._recorder
        if recorder is None:
            return Readiness(False, "starting")
        is_ready, text, trouble = True, "ok", recorder.trouble
        if not recorder.ready:
            is_ready, text = False, "records cannot be kept at the moment"
        elif not self._people.answers():
            is_ready, text = False, "tokens cannot be looked up at the moment"
        elif recorder.spooled or trouble:
            text = f"records wait on the spool: {recorder.spooled}"
        return Readiness(is_ready, f"{text}; {trouble}" if trouble else text)


def is_gateway_path(path: str) -> bool:
    """Whether a path belongs to a provider, and not to the API that stands beside them."""
    return path.startswith(_BELOW) and path.split("/", 5)[4] not in RESERVED_NAMES
