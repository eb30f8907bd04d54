from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
from hypothesis import given
from hypothesis import strategies as st

from aibridge.cli.export import walk
from aibridge.cli.export.walk import Downward, EachOnce, Place, Portion, _walk
from aibridge.contract import Model
from aibridge.sdk import Client, SessionFilter

START = datetime(2026, 1, 1, tzinfo=UTC)


class Item(Model):
    id: int
    at: int


def place(item: Item) -> Place:
    return Place(START + timedelta(seconds=item.at), item.id)


def order(item: Item) -> tuple[int, int]:
    return (-item.at, -item.id)


def walked(
    items: list[Item],
    size: int,
    move: dict[int, set[int]] | None = None,
    passed: Downward | EachOnce | None = None,
) -> list[Item]:
    """What a walk finds; before page number ``n`` the items ``move[n]`` become the latest."""
    now, asked, top = {one.id: one for one in items}, 0, max((one.at for one in items), default=0)

    def ask(last: Item | None) -> Portion[Item]:
        nonlocal asked, top
        for id_ in (move or {}).get(asked, set()) & now.keys():
            top += 1
            now[id_] = Item(id=id_, at=top)
        asked += 1
        listed = sorted(now.values(), key=order)
        begin = 0 if last is None else listed.index(now[last.id]) + 1
        return Portion(listed[begin : begin + size], len(listed))

    passed = Downward() if passed is None else passed
    return [one for portion in _walk(ask, place, size, passed) for one in portion.items]


ITEMS = st.lists(st.integers(0, 5)).map(
    lambda times: [Item(id=number, at=at) for number, at in enumerate(times)]
)


@given(ITEMS, st.integers(1, 4))
def test_each_comes_once_in_order(items: list[Item], size: int) -> None:
    assert walked(items, size) == sorted(items, key=order)


@given(
    ITEMS,
    st.integers(1, 4),
    st.dictionaries(st.integers(0, 9), st.sets(st.integers(0, 9))),
)
def test_what_moves_comes_once_at_most_and_what_stays_once(
    items: list[Item], size: int, move: dict[int, set[int]]
) -> None:
    for passed in (Downward(), EachOnce()):
        found = [one.id for one in walked(items, size, move, passed)]
        moved = set().union(*move.values())
        assert len(found) == len(set(found))
        assert {one.id for one in items} - moved <= set(found)


def test_what_is_found_by_words_is_exported_though_the_order_is_of_a_time_not_shown() -> None:
    sessions = [{**SESSION, "id": f"s{n}", "last_active_at": moment(n)} for n in (1, 3, 2)]

    def answer(request: httpx.Request) -> httpx.Response:
        is_first = "after_session_id" not in request.url.params
        return httpx.Response(200, json={"count": 3, "sessions": sessions if is_first else []})

    with Client("http://bridge", token="x", transport=httpx.MockTransport(answer)) as client:
        portions = walk.sessions(client, SessionFilter(q="-model:a Prompt:roof"))
        assert [one.id for portion in portions for one in portion.items] == ["s1", "s3", "s2"]


def moment(second: int) -> str:
    return (START + timedelta(seconds=second)).isoformat()


SESSION: dict[str, object] = {
    "initiator": {"id": str(UUID(int=1)), "username": "ana"},
    "providers": [],
    "models": [],
    "client": None,
    "metadata": {},
    "started_at": moment(0),
    "threads": 1,
    "token_usage_summary": {
        "input_tokens": 0,
        "output_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_write_input_tokens": 0,
    },
}


def test_a_server_that_does_not_go_on_is_left() -> None:
    page = Portion([Item(id=1, at=1)], None)
    assert [one.items for one in _walk(lambda last: page, place, 1, Downward())] == [page.items, []]


def test_only_the_items_of_the_last_moment_are_remembered() -> None:
    passed = Downward()
    for at in reversed(range(100)):
        assert passed.is_new(Place(START + timedelta(seconds=at), at))
    assert passed._there == {0}
