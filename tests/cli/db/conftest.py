from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.databases import Databases


@pytest.fixture
def url(databases: Databases, tmp_path: Path) -> Iterator[str]:
    """As for other commands, but for tables: here they are made, altered and stamped."""
    if databases.is_postgresql:
        with databases.place() as url:
            yield url
    else:
        yield f"sqlite:///{tmp_path / 'data' / 'aibridge.db'}"


@pytest.fixture
def cli(bare_cli: Cli) -> Cli:
    """Run a command where no bridge has been yet."""
    return bare_cli
