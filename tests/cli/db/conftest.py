from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import Databases


@pytest.fixture
def url(databases: Databases, tmp_path: Path) -> Iterator[str]:
    """As for other commands, but for tables: here they are made, altered and stamped."""
    if databases.is_postgresql:
        with databases.place() as url:
            yield url
    else:
        yield f"sqlite:///{tmp_path / 'data' / 'aibridge.db'}"
