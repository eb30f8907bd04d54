import gc
import tracemalloc
from collections.abc import Callable

import pytest
from typer.testing import Result

from aibridge.cli.export import parquet, walk
from aibridge.store.engine.database import Database
from tests.builders import Call, record

Cli = Callable[..., Result]

FEW, MANY, PAGE = 4, 40, 2
PROMPT = "word " * 3200
"""16 KB, so what is kept of each row outweighs all else."""


def peak(cli: Cli, *arguments: str) -> int:
    """The most memory, in bytes, that an export to a file takes beyond what there was before."""
    gc.collect()
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    assert cli("export", *arguments, "--output", "out").exit_code == 0
    return tracemalloc.get_traced_memory()[1] - before


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
@pytest.mark.parametrize("kind", ["sessions", "interceptions"])
def test_ten_times_the_rows_take_no_more_memory(
    cli: Cli, database: Database, kind: str, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "PAGE", PAGE)
    monkeypatch.setattr(parquet, "ROWS", PAGE)
    with database.write() as connection:
        record(connection, *(Call(one, at=one, prompts=(PROMPT,)) for one in range(MANY)))
    few = (kind, "--format", form, "-q", f'started_before:"2026-01-01T00:00:{FEW - 1:02}Z"')
    cli("export", *few)  # imports and caches are not what is measured
    tracemalloc.start()
    try:
        small, large = peak(cli, *few), peak(cli, kind, "--format", form)
    finally:
        tracemalloc.stop()
    assert large < small + MANY * len(PROMPT) // 2  # half of what it would be to keep them all
