from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from aibridge.store.engine.database import Database
from aibridge.store.lists.filters import Values, only
from aibridge.store.people import audit as store
from aibridge.store.people.audit import AuditFilter, AuditRow
from tests.builders import ANA, BEN, START
from tests.builders import uid as uuid

EVERY = AuditFilter()

Begin = Callable[[], AbstractContextManager[Connection]]


@pytest.fixture
def connection(record_database: Database) -> Iterator[Connection]:
    with record_database.write() as connection:
        yield connection


def row(number: int, **columns: object) -> AuditRow:
    plain = AuditRow(
        id=uuid(number),
        at=START + number,
        actor_id=ANA,
        actor_username="Ana",
        token_id="k3uYl0aWpQ",
        ip="192.0.2.7",
        user_agent="a browser",
        action="write",
        resource_type="user",
        resource_id="u-1",
        resource_target="ben",
        diff="{}",
        description="",
    )
    return plain._replace(**columns)  # type: ignore[arg-type]


def append(connection: Connection, *rows: AuditRow) -> None:
    for each in rows:
        store.append(connection, each)


def found(connection: Connection, where: AuditFilter) -> list[str]:
    rows = store.page(connection, where, limit=100)
    assert store.count(connection, where) == len(rows)
    return [each.id for each in rows]


def test_a_row_comes_back_as_it_was_kept(connection: Connection) -> None:
    kept = row(1, diff='{"name": {"old": "é", "new": null}}', description="why; '%_")
    append(connection, kept)
    assert store.page(connection, EVERY, limit=10) == [kept]
    assert store.exists(connection, kept.id)
    assert not store.exists(connection, uuid(2))
    assert not store.exists(connection, "%")


@pytest.mark.parametrize(
    ("where", "numbers"),
    [
        (EVERY, [4, 3, 2, 1]),
        (AuditFilter(actor=only("ana")), [4, 1]),
        (AuditFilter(actor=only("ANA")), [4, 1]),
        (AuditFilter(actor=only(BEN.upper())), [2]),
        (AuditFilter(actor=only("ana", BEN)), [4, 2, 1]),
        (AuditFilter(actor=only("an")), []),
        (AuditFilter(actor=only("%")), []),
        (AuditFilter(actor=Values(none_of=("ana",))), [3, 2]),
        (AuditFilter(actor=Values(none_of=("ANA", BEN))), [3]),
        (AuditFilter(actor=Values(("ana", "ben"), ("ben",))), [4, 1]),
        (AuditFilter(action=only("create")), [1]),
        (AuditFilter(action=only("create", "login")), [4, 1]),
        (AuditFilter(action=Values(none_of=("write", "login"))), [1]),
        (AuditFilter(resource_type=only("group")), [3]),
        (AuditFilter(resource_type=Values(none_of=("group",))), [4, 2, 1]),
        (AuditFilter(resource_id=only("g-1", "nothing")), [3]),
        (AuditFilter(resource_id=Values(none_of=("u-1",))), [3]),
        (AuditFilter(resource_target=only("platform")), [3]),
        (AuditFilter(resource_target=Values(none_of=("platform", "ben"))), [4]),
        (AuditFilter(since=START + 3), [4, 3]),
        (AuditFilter(until=START + 3), [3, 2, 1]),
        (AuditFilter(since=START + 2, until=START + 3), [3, 2]),
        (AuditFilter(since=START + 5), []),
        (AuditFilter(actor=only("ana"), action=only("login"), since=START), [4]),
        (AuditFilter(actor=only("ben"), resource_type=only("group")), []),
    ],
)
def test_filters(connection: Connection, where: AuditFilter, numbers: list[int]) -> None:
    append(
        connection,
        row(1, action="create"),
        row(2, actor_id=BEN, actor_username="ben"),
        row(
            3,
            actor_id="nil",
            actor_username="operator",
            resource_type="group",
            resource_id="g-1",
            resource_target="platform",
        ),
        row(4, action="login", resource_target="cleo"),
    )
    assert found(connection, where) == [uuid(number) for number in numbers]


@settings(deadline=None)
@given(
    actions=st.lists(st.sampled_from(["create", "write"]), max_size=12),
    limit=st.integers(1, 5),
    where=st.sampled_from([EVERY, AuditFilter(action=only("write"))]),
)
def test_walking_the_pages_visits_each_act_once_newest_first(
    rolled_back: Begin, actions: list[str], limit: int, where: AuditFilter
) -> None:
    with rolled_back() as connection:
        rows = [row(number, action=action) for number, action in enumerate(actions)]
        append(connection, *rows)
        expected = [each for each in reversed(rows) if where == EVERY or each.action == "write"]
        walked: list[AuditRow] = []
        while page := store.page(
            connection, where, limit=limit, after_id=walked[-1].id if walked else None
        ):
            walked += page
        by_offset: list[AuditRow] = []
        while page := store.page(connection, where, limit=limit, offset=len(by_offset)):
            by_offset += page
    assert walked == by_offset == expected
