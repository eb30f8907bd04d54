"""What a fault is, and the scene on which it strikes."""

import random
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from scripts.faults.server import Server
from scripts.running import Bridge

SQLITE, POSTGRESQL = "sqlite", "postgresql"
BOTH = (SQLITE, POSTGRESQL)


@dataclass(frozen=True, slots=True)
class Scene:
    """Bridges and what they stand on: a file or a ``server``, and a small ``disk`` if one is.

    ``clock`` is the file that says how far off their clocks are, if they can be.
    """

    bridges: tuple[Bridge, ...]
    database_url: str
    clock: Path
    server: Server | None = None
    disk: Path | None = None

    @property
    def bridge(self) -> Bridge:
        """The first, or only, bridge."""
        return self.bridges[0]

    @property
    def file(self) -> Path:
        """Where SQLite's database is."""
        return Path(self.database_url.removeprefix("sqlite:///"))


class Fault(ABC):
    """Something that breaks and is mended again, both at once and each as often as wanted.

    ``hold`` is between how many seconds it may last, none if as long as an outage. ``small`` says
    what is on a small disk meanwhile: ``database``, ``journal``. There may be several ``bridges``,
    or ``workers`` of one. ``altered`` says what is other than usual with them, see
    `scripts.faults.altered`. With ``takes_for_gone`` one must be taken for gone, and otherwise none
    may be. Only one that ``leaves_gaps`` may leave bytes in a journal that cannot be read.
    """

    name: ClassVar[str]
    engines: ClassVar[tuple[str, ...]] = BOTH
    hold: ClassVar[tuple[float, float] | None] = None
    small: ClassVar[frozenset[str]] = frozenset()
    bridges: ClassVar[int] = 1
    workers: ClassVar[int] = 1
    has_clock: ClassVar[bool] = False
    altered: ClassVar[Mapping[str, str]] = {}
    takes_for_gone: ClassVar[bool] = False
    leaves_gaps: ClassVar[bool] = False

    def __init__(self, scene: Scene, dice: random.Random) -> None:
        self.scene = scene
        self.dice = dice
        self.damaged: set[str] = set()
        """Prompts of calls whose entries it has damaged in the journal."""

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
