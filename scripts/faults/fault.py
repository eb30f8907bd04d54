"""What a fault is, and the scene on which it strikes."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from scripts.faults.server import Server
from scripts.running import Bridge

SQLITE, POSTGRESQL = "sqlite", "postgresql"
BOTH = (SQLITE, POSTGRESQL)


@dataclass(frozen=True, slots=True)
class Scene:
    """A bridge and what it stands on: a file or a ``server``, and a small ``disk`` if one is."""

    bridge: Bridge
    database_url: str
    server: Server | None = None
    disk: Path | None = None

    @property
    def file(self) -> Path:
        """Where SQLite's database is."""
        return Path(self.database_url.removeprefix("sqlite:///"))


class Fault(ABC):
    """Something that breaks and is mended again, both at once and each as often as wanted.

    ``hold`` is between how many seconds it may last, none if as long as an outage. ``small`` says
    what is on a small disk meanwhile: ``database``, ``spool``. With ``leaves_open`` there may be
    ends that nothing could take: the next start of the bridge closes what they belong to.
    """

    name: ClassVar[str]
    engines: ClassVar[tuple[str, ...]] = BOTH
    hold: ClassVar[tuple[float, float] | None] = None
    small: ClassVar[frozenset[str]] = frozenset()
    leaves_open: ClassVar[bool] = False

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    @property
    def server(self) -> Server:
        """The PostgreSQL of the scene."""
        assert self.scene.server is not None  # noqa: S101 - only for faults of that engine
        return self.scene.server

    @abstractmethod
    def strike(self) -> None:
        """Break it."""

    @abstractmethod
    def mend(self) -> None:
        """Make it whole again; return once it is."""
