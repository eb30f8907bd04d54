"""The whole program put together: settings in, one ASGI application out."""

import asyncio

from starlette.types import ASGIApp, Receive, Scope, Send

from aibridge import health, metrics
from aibridge.agents import Agents
from aibridge.api.lazy import LazyApp
from aibridge.budgets.thresholds import Thresholds
from aibridge.collecting import spare_collecting
from aibridge.contract.paths import PREFIXES
from aibridge.gateway.admission import Rules
from aibridge.gateway.budget_store import BudgetStore
from aibridge.gateway.gateway import Gateway
from aibridge.gateway.open_log import OpenLog, open_log
from aibridge.gateway.spending import Spending, SpendingRules
from aibridge.gateway.stored import StoredThings
from aibridge.gateway.upstream import Pool, Timeouts
from aibridge.health import Readiness
from aibridge.identity.authenticate import Authenticator
from aibridge.identity.last_use import LastUses
from aibridge.journal.catching_up import CatchingUp
from aibridge.journal.folders import id_of
from aibridge.keeper.status import StatusFile
from aibridge.listener.cycle import Handler
from aibridge.metrics import Standing
from aibridge.prices.supplements import geography_of
from aibridge.providers.provider import Provider
from aibridge.providers.settings import RESERVED_NAMES
from aibridge.recorder.membership import Membership
from aibridge.settings import Settings
from aibridge.store.engine.database import Database
from aibridge.store.engine.errors import plainly
from aibridge.store.engine.sqlite_files import FileReplaced
from aibridge.store.usage.allotments import Holder

UNATTENDED = "nothing is heard of the keeper, which writes them to the database"
_BELOW = tuple(f"{prefix}/" for prefix in PREFIXES)


class Application:
    """The bridge as one application: the gateway without ASGI, by ASGI the API and probes.

    What belongs to an event loop is made when the server starts (ASGI's lifespan) and closed, with
    all of the journal on the disk, when it stops.
    """

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._catching_up = CatchingUp(settings.journals)
        self._keeper = StatusFile(settings.journals)
        self._uses = LastUses(database)
        self._people = Authenticator(
            database, self._uses, outage_seconds=settings.known_tokens_seconds
        )
        self._api = LazyApp(self._make_api)
        self._chores: list[asyncio.Task[None]] = []
        self._log: OpenLog | None = None
        self._pool: Pool | None = None
        self._gateway: Gateway | None = None
        self._spending: Spending | None = None
        self._membership: Membership | None = None

    def _make_api(self) -> ASGIApp:
        """Make the control plane, which is half of what there is to import and serves no agent."""
        from aibridge.api.app import create_app, services_of  # noqa: PLC0415 - see above

        services = services_of(
            self._settings,
            self._database,
            self._people.person,
            write_last_uses=self._uses.write,
            changed=self._people.changed,
            catching_up=self._catching_up,
        )
        api = create_app(services)
        spare_collecting()
        return api

    def handler(self, path: str) -> Handler | None:
        """Return the gateway's handler for a path of its own; `None` for what goes by ASGI."""
        gateway = self._gateway
        return gateway.serve if gateway is not None and is_gateway_path(path) else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request that goes by ASGI to what serves it."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        path: str = scope["path"]
        if path in health.PATHS:
            await health.answer(path, send, self._readiness)
        elif path == metrics.PATH:
            await metrics.answer(send, self._standing())
        else:
            await self._api(scope, receive, send)

    async def start(self) -> None:
        """Make what serves requests."""
        settings = self._settings
        timeouts = Timeouts(
            settings.connect_timeout_seconds,
            settings.first_byte_timeout_seconds,
            settings.idle_timeout_seconds,
        )
        self._pool = Pool(timeouts)
        await self._attend()
        self._log = open_log(settings, self._call_ended)
        self._spending = self._spending_by(self._log)
        self._gateway = Gateway(
            [Provider.from_settings(one) for one in settings.providers],
            self._people.look_up,
            self._log.calls,
            self._pool,
            Rules(
                settings.max_body_bytes,
                settings.max_buffered_bytes,
                settings.allow_byok,
                self._agents(),
            ),
            StoredThings(self._database, self._catching_up),
            self._spending,
        )
        self._chores = [
            asyncio.create_task(self._spending.look_after()),
            asyncio.create_task(self._uses.write_regularly()),
        ]

    def _spending_by(self, log: OpenLog) -> Spending:
        """Return what keeps limits for the calls of a log."""
        settings = self._settings
        rules = SpendingRules(
            settings.budget_mode,
            settings.budget_unpriced == "refuse",
            settings.max_body_bytes,
        )
        geographies = {one.name: geography_of(str(one.base_url)) for one in settings.providers}
        holder = Holder(id_of(log.journal.folder), log.run)
        thresholds = Thresholds(settings.budget_thresholds, bool(settings.budget_webhook_url))
        store = BudgetStore(self._database, holder, settings.catalogue, geographies, thresholds)
        return Spending(
            store,
            rules,
            lambda: self._people.news,
            lambda: log.progress.position,
            self._agents(),
        )

    def _agents(self) -> Agents:
        return Agents(each.to_client() for each in self._settings.agents)

    def _call_ended(self, number: int, position: int) -> None:
        if self._spending is not None:
            self._spending.end(number, position)

    async def _attend(self) -> None:
        """Hear of what other servers of a PostgreSQL change."""
        if self._people.known is None:
            return
        tell = asyncio.get_running_loop().call_soon_threadsafe
        self._membership = Membership(self._database, listener=self._people.known, tell=tell)
        await asyncio.to_thread(self._membership.begin)

    async def stop(self) -> None:
        """Stop serving: every record that was accepted is written first."""
        if self._gateway is not None:
            self._gateway.close()
        if self._pool is not None:
            self._pool.close()
        if self._log is not None:
            await asyncio.to_thread(self._log.close)
        if self._keeper.read().trouble:
            self._uses.forget()
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores)
        if self._spending is not None:
            await asyncio.to_thread(self._spending.close)
        if self._membership is not None:
            await asyncio.to_thread(self._membership.end)
        self._people.close()

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await self.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})

    def _standing(self) -> Standing:
        """Return how the record is being kept."""
        log, keeper = self._log, self._keeper.read()
        if log is None:
            return Standing(False, False, keeper)
        return Standing(log.calls.is_ready, log.is_unattended, keeper)

    def _readiness(self) -> Readiness:
        """Look up tokens too: who cannot do that refuses every call."""
        if self._log is None:
            return Readiness(False, "starting")
        is_ready, text, trouble = True, "ok", self._trouble(self._log)
        if not self._log.calls.is_ready:
            is_ready, text = False, "records cannot be kept at the moment"
        elif not self._people.answers():
            is_ready, text = False, "tokens cannot be looked up at the moment"
        elif trouble:
            text = "records wait in the journal"
        return Readiness(is_ready, f"{text}; {trouble}" if trouble else text)

    def _trouble(self, log: OpenLog) -> str:
        """Return what keeps records out of the database, in words for anybody; empty for nothing.

        That a file is gone is seen before the keeper has anything to write to it.
        """
        try:
            self._database.check_file()
        except FileReplaced as error:
            return plainly(error)
        return UNATTENDED if log.is_unattended else self._keeper.read().trouble


def is_gateway_path(path: str) -> bool:
    """Whether a path belongs to a provider, and not to the API that stands beside them."""
    return path.startswith(_BELOW) and path.split("/", 5)[4] not in RESERVED_NAMES
