from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.databases import ENGINES, Databases, PostgreSQL
from tests.grown import fill, opened

PAIRS = [(source, target) for source in ENGINES for target in ENGINES]


@dataclass(frozen=True)
class Pair:
    """A database with something of everything, and a place for another one."""

    source: str
    target: str

    @property
    def loses_nul(self) -> bool:
        return self.target.startswith("postgresql")


@pytest.fixture(scope="module", params=PAIRS, ids="-to-".join)
def engines(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Databases, Databases]:
    """The engine of the source and that of the target."""
    postgresql: PostgreSQL | None = None
    if "postgresql" in request.param:
        postgresql = request.getfixturevalue("postgresql")
    source, target = (
        Databases(tmp_path_factory.mktemp(name), postgresql if name == "postgresql" else None)
        for name in request.param
    )
    return source, target


@pytest.fixture
def pair(engines: tuple[Databases, Databases]) -> Iterator[Pair]:
    """A full database of one engine, and a place without tables of the other."""
    source, target = engines
    with source.url() as from_url, target.place() as to_url:
        with opened(from_url) as database:
            fill(database)
        yield Pair(from_url, to_url)
