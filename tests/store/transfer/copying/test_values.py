"""Any value comes through, and is part of the sum by which tables are compared."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, select

from aibridge.store.engine.database import Database
from aibridge.store.schema import tables as schema
from aibridge.store.transfer.copying import tables
from aibridge.store.transfer.copying.tables import summed
from aibridge.store.transfer.copying.target import write

NUMBERS = st.integers(-(2**63), 2**63 - 1)
SMALL = st.integers(-(2**31), 2**31 - 1)
TEXTS = st.text() | st.sampled_from(
    ["", "\0", "\\N", "\\.", "a\tb\\n\r\n", "\ufffd", "null", "\\x00"]
)
BY_TYPE = {"BIGINT": NUMBERS, "INTEGER": SMALL, "BOOLEAN": st.booleans()}
KEYS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)


def rows_of(table: Any) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    """Return rows of a table whose keys differ."""

    def values(column: Any) -> st.SearchStrategy[Any]:
        if column.primary_key:
            return KEYS
        found = BY_TYPE.get(str(column.type), TEXTS)
        return found | st.none() if column.nullable else found

    rows = st.tuples(*map(values, table.c))
    keys = [at for at, column in enumerate(table.c) if column.primary_key]
    return st.lists(rows, unique_by=lambda row: tuple(row[at] for at in keys), max_size=5)


@pytest.fixture(scope="module")
def plain() -> Any:
    """A database of SQLite in memory."""
    database = Database("sqlite://")
    with database.write() as connection:
        schema.metadata.create_all(connection)
    yield database
    database.close()


def walked(connection: Connection, table: Any) -> list[tuple[Any, ...]]:
    return list(tables.walk(connection, table))


@pytest.mark.parametrize("name", ["interceptions", "tool_usages"])
def test_any_values_come_through(rolled_back: Any, plain: Database, name: str) -> None:
    table = schema.metadata.tables[name]

    @settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(rows_of(table))
    def check(rows: list[tuple[Any, ...]]) -> None:
        with plain.engine.connect() as source, rolled_back() as target:
            if rows:
                source.execute(
                    insert(table), [dict(zip(table.c.keys(), row, strict=True)) for row in rows]
                )
            there = walked(source, table)
            if there:
                write(target, table, there)
            copied = walked(target, table)
            is_postgresql = target.dialect.name == "postgresql"
            assert there == sorted(rows, key=lambda row: [row[0].encode(), row[1].encode()])
            assert copied == [
                tuple(
                    value.replace("\0", "\ufffd")
                    if is_postgresql and isinstance(value, str)
                    else value
                    for value in row
                )
                for row in there
            ]
            sums = [summed(side, as_postgresql_has_it=is_postgresql) for side in (there, copied)]
            assert sums[0] == sums[1]

    check()


def test_a_walk_goes_on_after_any_key(rolled_back: Any) -> None:
    table = schema.session_kinds
    rows = [
        (session, "i", kind, 0) for session in ("", "a", "Z", "é", "日") for kind in (-1, 3, 20)
    ]
    with rolled_back() as connection:
        write(connection, table, rows)
        all_ = walked(connection, table)
        assert sorted(all_) == sorted(rows)
        for at, row in enumerate(all_):
            assert list(tables.walk(connection, table, row[:3])) == all_[at + 1 :]
        assert connection.scalar(select(table.c.kind_id).limit(1)) is not None


ROWS = st.lists(st.tuples(st.text(), st.none() | NUMBERS, st.booleans()), max_size=6)


def total(rows: Any) -> tuple[int, int]:
    return summed(rows, as_postgresql_has_it=False)


@settings(deadline=None)
@given(ROWS, st.randoms())
def test_the_order_of_rows_does_not_count(rows: list[Any], random: Any) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert total(shuffled) == total(rows)


@settings(deadline=None)
@given(ROWS, ROWS)
def test_rows_that_differ_have_sums_that_differ(one: list[Any], other: list[Any]) -> None:
    assert (total(one) == total(other)) == (sorted(one, key=repr) == sorted(other, key=repr))


def test_a_row_that_is_there_twice_counts_twice() -> None:
    assert len({total([("a",)] * times) for times in range(4)}) == 4


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a", "b"), ("ab", "")),
        ((None,), ("",)),
        ((0,), (False,)),
        ((1,), ("1",)),
        (("é",), ("e\u0301",)),
    ],
)
def test_values_are_told_apart(one: Any, other: Any) -> None:
    assert total([one]) != total([other])


def test_nul_counts_as_what_postgresql_has_in_its_place() -> None:
    rows = [[("a\0",)], [("a\ufffd",)]]
    assert total(rows[0]) != total(rows[1])
    assert summed(rows[0], as_postgresql_has_it=True) == summed(rows[1], as_postgresql_has_it=True)
