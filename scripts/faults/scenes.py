"""Sets the scenes: a bridge with a new database, and with whatever a fault needs to strike."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

from aibridge.contract import SiteRole
from aibridge.identity.accounts import create_user
from aibridge.identity.audit import Act
from aibridge.identity.first import FIRST_USER
from aibridge.identity.issuing import issue_token
from aibridge.store.engine.database import Database
from scripts.faults import altered
from scripts.faults.disks import small_disk
from scripts.faults.fault import POSTGRESQL, Fault, Scene
from scripts.faults.server import Server
from scripts.running import Bridge, Upstream

JOURNAL_BYTES = 16 << 20
"""So little that the journals have many segments; yet no outage of some seconds fills one."""


class Scenes:
    """Makes scenes; the one PostgreSQL of all of them is started when the first needs it.

    ``durability`` says where records have to be, if not where the engine's rule says.
    """

    def __init__(self, provider_url: str, durability: str = "") -> None:
        self._durability = durability
        self._upstreams: Sequence[Upstream] = (
            Upstream("anthropic", provider_url),
            Upstream("openai", f"{provider_url}/v1"),
        )
        self._server: Server | None = None

    @contextmanager
    def scene(self, fault: type[Fault], engine: str) -> Iterator[Scene]:
        """Set a scene for as long as a ``with`` lasts. Raises `NoDisk`."""
        with tempfile.TemporaryDirectory(prefix="aibridge-chaos-") as name, ExitStack() as stack:
            home = Path(name)
            disk = stack.enter_context(small_disk(home / "disk") if fault.small else nullcontext())
            folder = disk if disk and "database" in fault.small else home
            server = self._running_server() if engine == POSTGRESQL else None
            place = nullcontext(f"sqlite:///{folder / 'aibridge.db'}")
            url = stack.enter_context(server.place() if server else place)
            data_dir = disk / "data" if disk and "journal" in fault.small else home / "data"
            token = _owner(url)
            clock = home / "clock"
            altered.step(clock, 0)
            bridges = []
            for number in range(fault.bridges):
                bridge = self._bridge(fault, home / f"bridge-{number}", data_dir, url, clock)
                bridge.token = token
                stack.enter_context(bridge.running())
                bridges.append(bridge)
                data_dir = home / f"data-{number + 1}"
            yield Scene(tuple(bridges), url, clock, server, disk)

    def _bridge(
        self, fault: type[Fault], home: Path, data_dir: Path, url: str, clock: Path
    ) -> Bridge:
        """Make a bridge, altered if the fault asks for that."""
        home.mkdir()
        variables = dict(fault.altered)
        if fault.has_clock:
            variables[altered.CLOCK] = str(clock)
        return Bridge(
            home,
            self._upstreams,
            data_dir=data_dir,
            database_url=url,
            workers=fault.workers,
            durability=self._durability,
            journal_bytes=JOURNAL_BYTES,
            module=altered.__name__ if variables else "aibridge",
            variables=variables,
        )

    def close(self) -> None:
        """Stop PostgreSQL, if it was started."""
        if self._server is not None:
            self._server.stop()

    def _running_server(self) -> Server:
        if self._server is None:
            self._server = Server()
        return self._server


def _owner(database_url: str) -> str:
    """Make the tables and an owner, and return a token that no step of a clock makes expire."""
    database = Database(database_url)
    try:
        database.upgrade()
        with database.write() as connection:
            act = Act(connection)
            owner = create_user(act, FIRST_USER, [SiteRole.OWNER])
            return issue_token(act, owner, lifetime=None).text
    finally:
        database.close()
