"""A copy is equal to its source in every value, whatever the engines of the two."""

import tracemalloc
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, inspect, text

from aibridge.sessions import reading
from aibridge.store.lists.filters import Filter, only
from aibridge.store.record import partitions
from aibridge.store.record.writer import BatchWriter
from aibridge.store.schema import tables as schema
from aibridge.store.schema.rows import Kind
from aibridge.store.transfer.copying import copying, indexing, tables
from aibridge.store.transfer.copying.tables import LEFT_OUT, TABLES
from aibridge.store.transfer.copying.target import Target
from tests.builders import ANA, BEN, Call, record
from tests.databases import PostgreSQL
from tests.grown import OLD, everything, fill, opened
from tests.people import new_user
from tests.store.transfer.copying.conftest import Pair
from tests.store.transfer.copying.running import nothing, run


def test_all_values_of_all_tables_are_equal_and_so_is_the_index(pair: Pair) -> None:
    before = everything(pair.source, without_nul=pair.loses_nul)
    compared = run(pair.source, pair.target)
    assert everything(pair.target) == before
    assert all(before.values())
    assert all(one.is_equal for one in compared)
    assert {one.name: one.source.rows for one in compared} == {
        name: len(rows) for name, rows in before.items() if name != "text_index"
    }


SEARCHES = [
    Filter(),
    Filter(prompt=only("mend roof")),
    Filter(prompt=only("日本語")),
    Filter(prompt=only("before after")),
    Filter(tool=only("edit")),
    Filter(error=only("spater")),
    Filter(initiator_id=only(BEN)),
    Filter(model=only("модель"), visible_to=ANA),
]


def answers(url: str) -> list[str]:
    """Return what is answered to many questions, with NUL as PostgreSQL has it."""
    with opened(url) as database:
        lists = (reading.list_interceptions, reading.list_sessions)
        found: list[Any] = [ask(database, one, limit=100) for one in SEARCHES for ask in lists]
        page = reading.ThreadPage(100)
        found += [reading.show_session(database, id_, page) for id_ in ("s0", "séance")]
        found += [reading.list_models(database, Filter(), limit=10)]
    texts = [one if isinstance(one, list) else one.model_dump_json() for one in found if one]
    return [str(one).replace("\\u0000", "\ufffd").replace("\0", "\ufffd") for one in texts]


def test_lists_searches_and_sessions_are_answered_alike(pair: Pair) -> None:
    run(pair.source, pair.target)
    asked = answers(pair.target)
    assert asked == answers(pair.source)
    assert len(asked) == 2 * len(SEARCHES) + 3
    assert sum('"count":0' not in answer for answer in asked) == len(asked)


def test_new_kinds_get_numbers_that_nobody_has(pair: Pair) -> None:
    run(pair.source, pair.target)
    with opened(pair.target) as database:
        taken = {row[0] for row in everything(pair.target)["kinds"]}
        writer = BatchWriter(database)
        new = writer.number(Kind("openai", "gpt", "new", "", 0))
        assert writer.number("a price") > 7
        writer.close()
    assert new not in taken


def test_a_copy_of_an_empty_database_is_an_empty_one(engines: Any) -> None:
    source, target = engines
    with source.url() as from_url, target.place() as to_url:
        compared = run(from_url, to_url)
        assert everything(to_url) == everything(from_url)
    assert sum(one.source.rows for one in compared) == 1  # the group of everyone


def test_rows_lie_in_the_partitions_of_their_weeks(postgresql: PostgreSQL, tmp_path: Path) -> None:
    source = f"sqlite:///{tmp_path / 'grown.db'}"
    with opened(source) as database:
        database.upgrade()
        fill(database)
    with postgresql.place() as target:
        run(source, target)
        with opened(target) as database, database.read() as connection:
            (week,) = partitions.weeks(OLD, OLD)
            tables = {*inspect(connection).get_table_names()}
            places = connection.execute(
                text("SELECT tableoid::regclass::text FROM user_prompts WHERE prompt LIKE 'Zo%'")
            )
            assert places.scalars().all() == [f"user_prompts_{week:%Y%m%d}"]
    assert f"user_prompts_{week + timedelta(weeks=1):%Y%m%d}" not in tables


def test_a_large_table_is_copied_in_transactions_of_few_rows(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    add = Target.add

    def counted(self: Target, table: Table, rows: list[Any]) -> None:
        sizes.append(len(rows))
        add(self, table, rows)

    monkeypatch.setattr(Target, "add", counted)
    monkeypatch.setattr(tables, "MOST_ROWS", 3)
    monkeypatch.setattr(indexing, "BATCH", 2)
    run(pair.source, pair.target)
    assert everything(pair.target) == everything(pair.source, without_nul=pair.loses_nul)
    assert max(sizes) == 3
    assert len(sizes) > len(TABLES)


def test_long_texts_end_a_transaction_early() -> None:
    row = ("i", "p", "r", "x" * (tables.MOST_CHARACTERS // 2), "{}", 1)
    rows = [row] * 5
    sizes = [len(batch) for batch in tables.batches(schema.user_prompts, rows)]
    assert sizes == [2, 2, 1]


def test_the_file_of_the_source_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "grown.db"
    with opened(f"sqlite:///{file}") as database:
        database.upgrade()
        fill(database)
    before = file.read_bytes()
    run(f"sqlite:///{file}", f"sqlite:///{tmp_path / 'copy.db'}")
    assert file.read_bytes() == before


def test_what_is_written_meanwhile_is_not_copied(pair: Pair) -> None:
    before = everything(pair.source, without_nul=pair.loses_nul)
    with copying(pair.source, pair.target) as copy, opened(pair.source) as database:
        with database.write() as connection:
            new_user(connection, "late")
            record(connection, Call(99, prompts=("Late.",)))
        copy.begin()
        copy.rows(nothing)
        assert all(one.is_equal for one in copy.check(nothing))
        copy.index(nothing)
        copy.finish()
    assert everything(pair.target) == before


def test_every_table_is_copied_or_left_out_on_purpose() -> None:
    names = {table.name for table in TABLES}
    assert names | LEFT_OUT >= {*schema.metadata.tables}
    assert not names & LEFT_OUT


def test_memory_does_not_grow_with_what_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "MOST_CHARACTERS", 1 << 20)
    monkeypatch.setattr(indexing, "BATCH", 5)
    source, megabyte = f"sqlite:///{tmp_path / 'large.db'}", 1 << 20
    with opened(source) as database:
        database.upgrade()
        with database.write() as connection:
            for number in range(40):
                prompts = tuple(f"{number} " + "ab " * 7_000 for _ in range(40))
                record(connection, Call(number, number, prompts=prompts))
    assert (tmp_path / "large.db").stat().st_size > 30 * megabyte
    tracemalloc.start()
    run(source, f"sqlite:///{tmp_path / 'copy.db'}")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 15 * megabyte
