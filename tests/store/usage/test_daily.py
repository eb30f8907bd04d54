"""What was used, added up by whatever is asked, and how many sessions there were."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import combinations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, event

from aibridge.agents import Annotations
from aibridge.store.engine.database import Database
from aibridge.store.lists.filters import EVERYTHING, Filter, only
from aibridge.store.schema import tables as schema
from aibridge.store.usage.daily import (
    SEVERAL,
    Facet,
    Usage,
    UsageFilter,
    sums,
    top_users,
    usernames,
)
from aibridge.store.usage.session_counts import count_sessions
from tests.builders import ANA, BEN, CLEO, DAY, START, Call, Used, add_user, record, uid, use

CORE, WEB = uid(901), uid(902)
MONTH = UsageFilter(START, START + 31 * DAY)


@pytest.fixture
def connection(record_database: Database) -> Iterator[Connection]:
    with record_database.write() as connection:
        yield connection


def days(first: int, end: int, **more: Any) -> UsageFilter:
    return UsageFilter(START + first * DAY, START + end * DAY, **more)


def cost(connection: Connection, where: UsageFilter) -> int:
    return sums(connection, where)[()].cost_micros


def test_nothing_used_is_zero_in_total_and_has_no_parts(connection: Connection) -> None:
    assert sums(connection, MONTH) == {(): Usage()}
    assert sums(connection, MONTH, Facet.USER) == {}
    assert top_users(connection, MONTH, limit=10) == []
    assert usernames(connection, MONTH) == {}


def test_usage_is_added_up_with_what_is_unpriced(connection: Connection) -> None:
    use(
        connection,
        Used(0, cost=5, unpriced=1, requests=2, tokens=(1, 2, 3, 4)),
        Used(1, cost=7, requests=3, tokens=(10, 20, 30, 40)),
    )
    assert sums(connection, MONTH) == {(): Usage(5, 11, 22, 33, 44, 12, 1)}


def test_a_period_has_its_first_day_and_not_the_day_it_ends_with(connection: Connection) -> None:
    use(connection, *(Used(day, cost=10**day) for day in range(5)))
    assert cost(connection, days(1, 4)) == 1110
    assert cost(connection, days(1, 2)) == 10
    assert cost(connection, days(2, 2)) == 0
    assert sums(connection, days(1, 3), Facet.DAY).keys() == {
        (START + DAY,),
        (START + 2 * DAY,),
    }


def test_sums_are_exact_beyond_what_a_float_holds(connection: Connection) -> None:
    use(connection, Used(0, cost=2**53 + 1), Used(1, cost=2**53))
    assert cost(connection, MONTH) == 2**54 + 1
    assert top_users(connection, MONTH, limit=1)[0][1].cost_micros == 2**54 + 1


FILTERS: list[tuple[dict[str, Any], int]] = [
    ({"user_ids": [BEN, CLEO]}, 10),
    ({"user_ids": []}, 0),
    ({"group_ids": [CORE]}, 100),
    ({"group_ids": [""]}, 10_011),
    ({"group_ids": []}, 0),
    ({"kinds": Filter(provider_name=only("gpt"))}, 100),
    ({"kinds": Filter(model=only("opus"))}, 1000),
    ({"kinds": Filter(client=only("Codex"))}, 10),
    ({"kinds": Filter(client=only("Unknown"))}, 10_000),
    ({"kinds": Filter(client=only("")), "user_ids": [ANA]}, 0),
    ({"kinds": Filter(model=only("sonnet"), client=only("Codex"))}, 10),
]


@pytest.mark.parametrize(("where", "expected"), FILTERS)
def test_usage_is_found_by_user_group_provider_model_and_client(
    connection: Connection, where: dict[str, Any], expected: int
) -> None:
    use(
        connection,
        Used(cost=1),
        Used(cost=10, initiator=BEN, client="Codex"),
        Used(cost=100, provider_name="gpt", group=CORE),
        Used(cost=1000, model="opus", group=WEB),
        Used(cost=10_000, client=""),
    )
    assert cost(connection, days(0, 1, **where)) == expected


def test_a_client_that_is_not_recognised_has_the_name_that_lists_give_it(
    connection: Connection,
) -> None:
    use(connection, Used(cost=1, client=""), Used(cost=2, client="Codex"))
    found = sums(connection, MONTH, Facet.CLIENT, Facet.MODEL)
    assert {key: usage.cost_micros for key, usage in found.items()} == {
        ("Unknown", "sonnet"): 1,
        ("Codex", "sonnet"): 2,
    }


def test_users_come_by_what_they_spent_then_by_name_then_by_id(connection: Connection) -> None:
    deleted = [uid(900), uid(905)]
    for user_id, name in ((ANA, "Zoe"), (BEN, "ben"), (CLEO, "Cleo")):
        add_user(connection, user_id, name, name=name.title())
    spent = {ANA: 9, BEN: 5, CLEO: 5, deleted[1]: 5, deleted[0]: 5}
    use(connection, *(Used(initiator=user, cost=cost) for user, cost in spent.items()))
    use(connection, Used(1, cost=1, initiator=BEN, group=CORE))
    rows = top_users(connection, MONTH, limit=10)
    assert [(user.username, usage.cost_micros) for user, usage in rows] == [
        ("Zoe", 9),
        ("ben", 6),
        ("", 5),
        ("", 5),
        ("Cleo", 5),
    ]
    assert [user.id for user, _ in rows[2:4]] == deleted
    assert rows[0][0] == (ANA, "Zoe", "Zoe", "")
    assert usernames(connection, MONTH) == {ANA: "Zoe", BEN: "ben", CLEO: "Cleo"}
    assert usernames(connection, days(1, 2)) == {BEN: "ben"}
    pages = [
        row for offset in (0, 2, 4) for row in top_users(connection, MONTH, limit=2, offset=offset)
    ]
    assert pages == rows


used = st.builds(
    Used,
    day=st.integers(0, 3),
    initiator=st.sampled_from([ANA, BEN]),
    cost=st.integers(0, 10**13),
    unpriced=st.integers(0, 3),
    requests=st.integers(1, 9),
    tokens=st.tuples(*[st.integers(0, 10**9)] * 4),
    group=st.sampled_from(["", CORE, WEB]),
    provider=st.sampled_from(["anthropic", "azure"]),
    provider_name=st.sampled_from(["a", "b"]),
    model=st.sampled_from(["sonnet", "gpt"]),
    client=st.sampled_from(["", "Codex"]),
    annotations=st.sampled_from([None, Annotations("shop", "main"), Annotations("shop")]),
)


def _key(one: Used) -> tuple[Any, ...]:
    return (
        *(one.day, one.initiator, one.group),
        *(one.provider, one.provider_name, one.model, one.client, one.annotations),
    )


def _usage(one: Used) -> Usage:
    return Usage(one.requests, *one.tokens, one.cost, one.unpriced)


KINDS = [
    EVERYTHING,
    Filter(model=only("gpt")),
    Filter(provider_name=only("a"), client=only("Unknown")),
]
ONCE = [facet for facet in Facet if facet not in SEVERAL]
WAYS = [by for size in (1, 2, len(ONCE)) for by in combinations(ONCE, size)]


@given(
    rows=st.lists(used, max_size=12, unique_by=_key),
    groups=st.sampled_from([None, [""], ["", CORE]]),
    kinds=st.sampled_from(KINDS),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_parts_add_up_to_the_total_whatever_they_are_told_apart_by(
    rolled_back: Callable[[], AbstractContextManager[Connection]],
    rows: list[Used],
    groups: list[str] | None,
    kinds: Filter,
) -> None:
    where = days(0, 3, group_ids=groups, kinds=kinds)
    meant = [
        one
        for one in rows
        if one.day < 3
        and (groups is None or one.group in groups)
        and (not kinds.model.any_of or one.model in kinds.model.any_of)
        and (not kinds.client.any_of or (one.provider_name, one.client) == ("a", ""))
    ]
    expected: dict[str, Usage] = defaultdict(Usage)
    for one in meant:
        expected[one.initiator] = expected[one.initiator].plus(_usage(one))
    total = Usage()
    for usage in expected.values():
        total = total.plus(usage)
    with rolled_back() as connection:
        use(connection, *rows)
        assert sums(connection, where) == {(): total}
        for by in WAYS:
            added = Usage()
            for usage in sums(connection, where, *by).values():
                added = added.plus(usage)
            assert added == total, by
        listed = {user.id: usage for user, usage in top_users(connection, where, limit=9)}
        assert listed == expected


def test_usage_is_told_apart_by_what_it_was_for_whole_for_each(connection: Connection) -> None:
    one, other = "https://github.com/acme/shop/pull/1", "https://github.com/acme/shop/pull/2"
    use(
        connection,
        Used(cost=1),
        Used(cost=20, annotations=Annotations("acme/shop", "main", (one,), ("ENG-1",))),
        Used(cost=300, annotations=Annotations("acme/shop", "", (one, other))),
        Used(cost=4000, annotations=Annotations("", "main", (), ("ENG-1", "ENG-2"))),
    )
    expected: dict[Facet, dict[Any, int]] = {
        Facet.REPO: {"": 4001, "acme/shop": 320},
        Facet.BRANCH: {"": 301, "main": 4020},
        Facet.PULL_REQUEST: {"": 4001, one: 320, other: 300},
        Facet.ISSUE: {"": 301, "ENG-1": 4020, "ENG-2": 4000},
    }
    for facet, costs in expected.items():
        found = sums(connection, MONTH, facet)
        assert {key: usage.cost_micros for (key,), usage in found.items()} == costs
    both = sums(connection, MONTH, Facet.ISSUE, Facet.MODEL, Facet.PULL_REQUEST)
    assert both["", "sonnet", other].cost_micros == 300
    assert both["ENG-1", "sonnet", one].cost_micros == 20
    assert cost(connection, MONTH) == 4321


def test_sessions_count_once_in_the_time_they_were_active_last(connection: Connection) -> None:
    seconds = DAY // 1_000_000
    record(
        connection,
        Call(1, 5, session="a", prompts=("x",)),
        Call(2, seconds + 5, session="a", prompts=("y",), columns={"model": "opus"}),
        Call(3, 5, session="b"),
        Call(4, 5, session="b", initiator=BEN),
        Call(5, 6, session="b", initiator=BEN, columns={"client": None}),
        Call(6, 2 * seconds, session="c", initiator=BEN),
    )
    assert count_sessions(connection, days(0, 1)) == {ANA: 1, BEN: 1}
    assert count_sessions(connection, days(1, 2)) == {ANA: 1}
    assert count_sessions(connection, days(0, 3)) == {ANA: 2, BEN: 2}
    assert count_sessions(connection, days(0, 3, user_ids=[BEN])) == {BEN: 2}
    assert count_sessions(connection, days(5, 9)) == {}
    of_both = Filter(model=only("sonnet", "opus"))
    assert count_sessions(connection, days(0, 3, kinds=of_both)) == {ANA: 2, BEN: 2}
    of_one = Filter(model=only("opus"))
    assert count_sessions(connection, days(0, 3, kinds=of_one)) == {ANA: 1}
    unknown = Filter(client=only("Unknown"))
    assert count_sessions(connection, days(0, 3, kinds=unknown)) == {BEN: 1}


ASKED: dict[str, tuple[Callable[[Connection], object], set[str]]] = {
    "a user": (
        lambda one: sums(one, UsageFilter(MONTH.start, MONTH.end, user_ids=[ANA])),
        {"initiator_id", "day"},
    ),
    "all": (lambda one: sums(one, MONTH), {"day"}),
    "sessions": (lambda one: count_sessions(one, MONTH), {"last_active_at"}),
    "sessions of a user": (
        lambda one: count_sessions(one, UsageFilter(MONTH.start, MONTH.end, user_ids=[ANA])),
        {"initiator_id", "last_active_at"},
    ),
    "sessions of a model": (
        lambda one: count_sessions(one, days(0, 31, kinds=Filter(model=only("sonnet")))),
        {"kind_id", "last_active_at"},
    ),
}
"""Questions, and the columns by which an index is searched for their rows."""


@pytest.mark.parametrize("name", ASKED)
def test_an_index_leads_to_the_rows_of_a_period(record_database: Database, name: str) -> None:
    ask, columns = ASKED[name]
    is_postgresql = record_database.is_postgresql
    statements: list[tuple[str, Any]] = []

    def note(_: object, _cursor: object, sql: str, values: Any, *_more: object) -> None:
        statements.append((sql, values))

    with record_database.write() as connection:
        models = ("sonnet", "opus", "haiku", "gpt")
        record(
            connection,
            *(
                Call(n, n * 9_000, initiator=(ANA, BEN)[n % 2], columns={"model": models[n % 4]})
                for n in range(400)
            ),
        )
        connection.execute(delete(schema.daily_usage))
        people = (ANA, *(uid(number) for number in range(100)))
        use(connection, *(Used(day, user) for day in range(90) for user in people))
        connection.exec_driver_sql("ANALYZE")
    with record_database.read() as connection:
        if is_postgresql:  # tables as small as these would be read whole
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        event.listen(record_database.engine, "before_cursor_execute", note)
        ask(connection)
        event.remove(record_database.engine, "before_cursor_execute", note)
        sql, values = statements[-1]
        explain = "EXPLAIN" if is_postgresql else "EXPLAIN QUERY PLAN"
        plan = [str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {sql}", values)]
    searched = [step for step in plan if step.strip().startswith(("SEARCH", "Index Cond:"))]
    assert any(columns <= set(re.findall(r"\w+", step)) for step in searched), plan
