from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, event

from aibridge.store.engine.database import Database
from aibridge.store.lists import sessions, threads
from aibridge.store.lists.filters import Filter, Values, only
from aibridge.store.lists.interceptions import CursorNotFoundError
from aibridge.store.lists.sessions import RecordedSession, SessionCursor
from aibridge.store.lists.threads import ForeignCursorError
from tests.builders import ANA, BEN, CLEO, START, Call, add_user, record, uid

EVERY = Filter()
Begin = Callable[[], AbstractContextManager[Connection]]


@pytest.fixture
def connection(record_database: Database) -> Iterator[Connection]:
    with record_database.write() as connection:
        yield connection


def keys(found: list[RecordedSession]) -> list[tuple[str, str]]:
    return [(session.row.id, session.row.initiator_id) for session in found]


def listed(connection: Connection, where: Filter = EVERY) -> list[str]:
    return [id_ for id_, _ in keys(sessions.page(connection, where, limit=100).rows)]


def test_sessions_come_most_recently_active_first(connection: Connection) -> None:
    record(
        connection,
        Call(1, at=1, session="old", prompts=("a",)),
        Call(2, at=9, session="new", prompts=("b",)),
        Call(3, at=5, session="mid"),
    )
    assert listed(connection) == ["new", "mid", "old"]


def test_a_session_knows_its_distinct_providers_and_models(connection: Connection) -> None:
    record(
        connection,
        Call(1, session="s", columns={"model": "b"}),
        Call(2, session="s", columns={"model": "a", "provider": "openai"}),
        Call(3, session="s", columns={"model": "b"}),
    )
    (found,) = sessions.page(connection, EVERY, limit=10).rows
    assert (found.providers, found.models) == (["anthropic", "openai"], ["a", "b"])


def test_a_page_takes_few_queries(record_database: Database, connection: Connection) -> None:
    record(connection, *(Call(number) for number in range(50)))
    statements: list[str] = []

    def note(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    event.listen(record_database.engine, "before_cursor_execute", note)
    assert len(sessions.page(connection, EVERY, limit=50).rows) == 50
    assert len(statements) == 5
    assert not any("FROM interceptions" in statement for statement in statements)


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (EVERY, ["two", "one"]),
        (Filter(model=only("opus")), ["one"]),
        (Filter(model=only("opus"), client=only("Codex")), []),
        (Filter(model=only("opus"), provider_name=only("claude")), ["one"]),
        (Filter(client=only("Codex")), ["one"]),
        (Filter(initiator_id=only(BEN)), ["two"]),
        (Filter(session_id=only("two")), ["two"]),
        (Filter(session_id=only("two"), initiator_id=only(ANA)), []),
        (Filter(started_after=START + 3_000_000), ["two"]),
        (Filter(started_before=START + 3_000_000), ["two", "one"]),
        (Filter(model=only("hidden")), []),
        (Filter(model=only("opus", "sonnet")), ["two", "one"]),
        (Filter(model=Values(none_of=("sonnet",))), ["one"]),
        (Filter(model=Values(none_of=("opus",)), client=Values(none_of=("Codex",))), ["two"]),
        (Filter(session_id=only("one", "two"), initiator_id=only(ANA, BEN)), ["two", "one"]),
        (Filter(session_id=Values(none_of=("two",))), ["one"]),
        (Filter(initiator_id=Values(none_of=(BEN,)), model=only("sonnet", "opus")), ["one"]),
    ],
)
def test_a_session_matches_when_any_of_its_interceptions_matches_all(
    connection: Connection, where: Filter, found: list[str]
) -> None:
    record(
        connection,
        Call(1, at=1, session="one", columns={"model": "opus"}),
        Call(2, at=2, session="one", columns={"client": "Codex"}),
        Call(3, at=3, session="two", initiator=BEN),
        Call(4, at=4, session="two", initiator=BEN),
        Call(5, at=5, session="one", running=True, columns={"model": "hidden"}),
    )
    assert listed(connection, where) == found
    page = sessions.page(connection, where, limit=1)
    assert (page.count, page.is_more) == (len(found), False)


def test_the_numbers_of_a_row_are_over_the_whole_session_under_a_filter(
    connection: Connection,
) -> None:
    record(
        connection,
        Call(1, at=1, session="s", tokens=((1, 1, 1, 1),), columns={"model": "opus"}),
        Call(2, at=2, session="s", tokens=((10, 1, 1, 1),)),
    )
    (found,) = sessions.page(connection, Filter(model=only("opus")), limit=10).rows
    assert (found.row.input_tokens, found.row.threads) == (11, 2)
    assert found.models == ["opus", "sonnet"]


def collision(connection: Connection) -> None:
    """Three users with one session id, and another session between the first two."""
    record(
        connection,
        Call(1, at=9, session="same", initiator=ANA),
        Call(2, at=8, session="between", initiator=ANA),
        Call(3, at=7, session="same", initiator=BEN),
        Call(4, at=6, session="same", initiator=CLEO, columns={"model": "opus"}),
        Call(5, at=5, session="last", initiator=ANA),
    )


def after(connection: Connection, cursor: SessionCursor | None, where: Filter = EVERY) -> list[str]:
    return [id_ for id_, _ in keys(sessions.page(connection, where, limit=9, after=cursor).rows)]


def test_users_with_the_same_session_id_have_a_row_each(connection: Connection) -> None:
    collision(connection)
    assert listed(connection) == ["same", "between", "same", "same", "last"]


def test_a_bare_cursor_is_the_last_of_that_id_in_the_list(connection: Connection) -> None:
    collision(connection)
    assert after(connection, SessionCursor("same")) == ["last"]
    assert after(connection, SessionCursor("same"), Filter(initiator_id=only(ANA))) == [
        "between",
        "last",
    ]


def test_a_page_goes_on_to_a_session_whose_id_is_a_cursor(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    collision(connection)
    whole = listed(connection)
    assert [one.row.id for one in sessions.page(connection, EVERY, limit=1).rows] == whole[:2]
    assert [one.row.id for one in sessions.page(connection, EVERY, limit=3).rows] == whole[:4]
    exact = SessionCursor("between", ANA)
    assert [
        one.row.id for one in sessions.page(connection, EVERY, limit=1, after=exact).rows
    ] == whole[2:3]
    assert [
        one.row.id for one in sessions.page(connection, EVERY, limit=1, offset=2).rows
    ] == whole[2:3]
    monkeypatch.setattr(sessions, "MORE", 1)
    monkeypatch.setattr(sessions, "MOST_MORE", 1)
    bare = SessionCursor("between")
    assert [
        one.row.id for one in sessions.page(connection, EVERY, limit=1, after=bare).rows
    ] == whole[2:4]


def test_a_cursor_with_its_initiator_is_exact(connection: Connection) -> None:
    collision(connection)
    assert after(connection, SessionCursor("same", BEN)) == ["same", "last"]


def test_a_cursor_that_the_filter_leaves_out_still_has_its_place(connection: Connection) -> None:
    collision(connection)
    assert after(connection, SessionCursor("between"), Filter(model=only("opus"))) == ["same"]


def test_an_unknown_cursor_is_refused(connection: Connection) -> None:
    collision(connection)
    for cursor in (SessionCursor("nobody"), SessionCursor("between", BEN)):
        with pytest.raises(CursorNotFoundError):
            sessions.page(connection, EVERY, limit=1, after=cursor)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    moments=st.lists(st.integers(0, 3), max_size=12),
    limit=st.integers(1, 5),
    is_bare=st.booleans(),
    where=st.sampled_from(
        [
            EVERY,
            Filter(initiator_id=only(ANA)),
            Filter(visible_to=BEN),
            Filter(initiator_id=only(ANA, CLEO), model=only("opus")),
            Filter(model=Values(none_of=("opus",)), session_id=Values(none_of=("s1",))),
        ]
    ),
)
def test_walking_by_cursor_visits_each_session_once_in_order(
    rolled_back: Begin, moments: list[int], limit: int, is_bare: bool, where: Filter
) -> None:
    """Also where people's sessions have one id, and the cursor does not say whose it is."""
    calls = [
        Call(
            number,
            at=at,
            session=f"s{number % 4}",
            initiator=(ANA, BEN, CLEO)[number % 3],
            columns={"model": ("opus", "sonnet")[number % 2]},
        )
        for number, at in enumerate(moments)
    ]
    with rolled_back() as connection:
        record(connection, *calls)
        whole = keys(sessions.page(connection, where, limit=100).rows)
        walked: list[tuple[str, str]] = []
        while page := sessions.page(
            connection,
            where,
            limit=limit,
            after=SessionCursor(*walked[-1][: 1 if is_bare else 2]) if walked else None,
        ).rows:
            walked += keys(page)
        count = sessions.page(connection, where, limit=limit).count
        assert count == len(whole) == len(set(whole))
    assert walked == whole


def test_of_one_id_the_most_recently_active_is_found_unless_an_initiator_is_named(
    connection: Connection,
) -> None:
    add_user(connection, BEN, "Ben")
    collision(connection)
    chosen = [
        found.row.initiator_id
        for initiator in (None, BEN, BEN.upper(), "ben", "BEN", CLEO)
        if (found := sessions.find(connection, "same", initiator=initiator))
    ]
    assert chosen == [ANA, BEN, BEN, BEN, BEN, CLEO]
    assert sessions.find(connection, "same", initiator="nobody") is None
    assert sessions.find(connection, "nothing") is None


def thread_ids(
    connection: Connection,
    limit: int = 50,
    *,
    after_id: str | None = None,
    before_id: str | None = None,
) -> list[str]:
    found = sessions.find(connection, "s")
    assert found is not None
    rows = threads.thread_page(
        connection, found.row, limit=limit, after_id=after_id, before_id=before_id
    )
    starts: dict[str, int] = {}
    for row in rows:
        starts.setdefault(row.thread_root_id or row.id, row.started_at)
    return sorted(starts, key=lambda id_: (starts[id_], id_))


def test_threads_are_scoped_to_the_initiator_of_the_session(connection: Connection) -> None:
    record(
        connection,
        Call(1, at=1, session="s"),
        Call(2, at=2, session="s"),
        Call(3, at=0, session="s", initiator=BEN, token_metadata={"a": 1}, tokens=((1, 1, 1, 1),)),
    )
    assert thread_ids(connection) == [uid(1), uid(2)]
    found = sessions.find(connection, "s")
    assert found is not None
    assert threads.usage_metadata(connection, found.row) == []


def test_a_thread_is_visible_when_its_root_is_running_or_gone(connection: Connection) -> None:
    record(
        connection,
        Call(1, at=1, session="s", running=True),
        Call(2, at=2, session="s", root=1),
        Call(3, at=3, session="s", root=77),
    )
    assert thread_ids(connection) == [uid(1), uid(77)]
    assert thread_ids(connection, after_id=uid(1)) == [uid(77)]
    assert thread_ids(connection, before_id=uid(77)) == [uid(1)]


def test_the_page_before_a_cursor_holds_the_nearest_threads(connection: Connection) -> None:
    record(connection, *(Call(number, at=number, session="s") for number in range(5)))
    assert thread_ids(connection, 2) == [uid(0), uid(1)]
    assert thread_ids(connection, 2, after_id=uid(1)) == [uid(2), uid(3)]
    assert thread_ids(connection, 2, before_id=uid(4)) == [uid(2), uid(3)]
    assert thread_ids(connection, 2, before_id=uid(0)) == []


def test_any_interception_of_a_thread_may_be_the_cursor(connection: Connection) -> None:
    record(
        connection,
        Call(1, at=1, session="s"),
        Call(2, at=2, session="s"),
        Call(3, at=3, session="s", root=1),
    )
    assert thread_ids(connection, after_id=uid(3)) == [uid(2)]


def test_a_cursor_that_is_unknown_running_or_of_another_session_is_refused(
    connection: Connection,
) -> None:
    record(
        connection,
        Call(1, session="s"),
        Call(2, session="s", running=True),
        Call(3, session="other"),
        Call(4, session="s", initiator=BEN, at=-1),
    )
    for number in (2, 99):
        with pytest.raises(CursorNotFoundError):
            thread_ids(connection, after_id=uid(number))
    for number in (3, 4):
        with pytest.raises(ForeignCursorError):
            thread_ids(connection, before_id=uid(number))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    shapes=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=10),
    limit=st.integers(1, 4),
)
def test_walking_forwards_and_backwards_visits_each_thread_once(
    rolled_back: Begin, shapes: list[tuple[int, int]], limit: int
) -> None:
    calls = [
        Call(number, at=at, session="s", root=root if root < number else None)
        for number, (root, at) in enumerate(shapes)
    ]
    with rolled_back() as connection:
        record(connection, *calls)
        whole = thread_ids(connection)
        forwards = thread_ids(connection, limit)
        while page := thread_ids(connection, limit, after_id=forwards[-1]):
            forwards += page
        backwards = whole[-1:]
        while page := thread_ids(connection, limit, before_id=backwards[0]):
            backwards = page + backwards
    assert set(whole) == {uid(c.number if c.root is None else c.root) for c in calls}
    assert forwards == backwards == whole
