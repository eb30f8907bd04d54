from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from aibridge.cli.export.walk import Downward, Place, Portion, _walk
from aibridge.contract import Model

START = datetime(2026, 1, 1, tzinfo=UTC)


class Item(Model):
    id: int
    at: int


def place(item: Item) -> Place:
    return Place(START + timedelta(seconds=item.at), item.id)


def order(item: Item) -> tuple[int, int]:
    return (-item.at, -item.id)


def walked(items: list[Item], size: int, move: dict[int, set[int]] | None = None) -> list[Item]:
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

    return [one for portion in _walk(ask, place, size) for one in portion.items]


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
    found = [one.id for one in walked(items, size, move)]
    moved = set().union(*move.values())
    assert len(found) == len(set(found))
    assert {one.id for one in items} - moved <= set(found)


def test_a_server_that_does_not_go_on_is_left() -> None:
    page = Portion([Item(id=1, at=1)], None)
    assert [one.items for one in _walk(lambda last: page, place, 1)] == [page.items, []]


def test_only_the_items_of_the_last_moment_are_remembered() -> None:
    passed = Downward()
    for at in reversed(range(100)):
        assert passed.is_new(Place(START + timedelta(seconds=at), at))
    assert passed._there == {0}
