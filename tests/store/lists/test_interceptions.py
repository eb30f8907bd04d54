from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from sqlalchemy import Connection, event

from aibridge.store.engine.database import Database
from aibridge.store.lists import children as children_of
from aibridge.store.lists import interceptions
from aibridge.store.lists.filters import ANY, Filter, Values, only
from aibridge.store.lists.interceptions import CursorNotFoundError
from tests.builders import ANA, BEN, START, Call, add_user, record, uid

EVERY = Filter()
Begin = Callable[[], AbstractContextManager[Connection]]


@pytest.fixture
def connection(record_database: Database) -> Iterator[Connection]:
    with record_database.write() as connection:
        yield connection


def numbers(connection: Connection, where: Filter = EVERY, *, limit: int = 100) -> list[int]:
    return [
        number_of(found.row.id) for found in interceptions.page(connection, where, limit=limit).rows
    ]


def count(connection: Connection, where: Filter) -> tuple[int, bool]:
    page = interceptions.page(connection, where, limit=1)
    return page.count, page.is_more


def number_of(id_: str) -> int:
    return next(number for number in range(1000) if uid(number) == id_)


def test_an_interception_is_seen_when_it_has_ended(connection: Connection) -> None:
    record(connection, Call(1), Call(2, running=True))
    assert numbers(connection) == [1]
    assert count(connection, EVERY) == (1, False)


def test_the_newest_comes_first_and_the_larger_id_among_equals(connection: Connection) -> None:
    record(connection, Call(1, at=5), Call(2, at=7), Call(3, at=5))
    assert numbers(connection) == [2, 3, 1]


def test_the_initiator_is_named_and_one_who_was_deleted_keeps_the_id(
    connection: Connection,
) -> None:
    add_user(connection, ANA, "ana", name="Ana", avatar_url="https://x/a.png")
    record(connection, Call(1, at=1), Call(2, initiator=BEN))
    ana, ben = interceptions.page(connection, EVERY, limit=2).rows
    assert ana.user == (ANA, "ana", "Ana", "https://x/a.png")
    assert ben.user == (BEN, "", "", "")


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (Filter(initiator_id=only(BEN)), [2]),
        (Filter(provider=only("openai")), [3]),
        (Filter(provider_name=only("spare")), [4]),
        (Filter(model=only("opus")), [5]),
        (Filter(client=only("Codex")), [6]),
        (Filter(client=only("Unknown")), [7]),
        (Filter(session_id=only("s")), [8]),
        (Filter(started_after=START + 7_000_000), [8, 7]),
        (Filter(started_before=START + 2_000_000), [2, 1]),
        (Filter(started_after=START + 2_000_000, started_before=START + 2_000_000), [2]),
        (Filter(initiator_id=only(BEN), model=only("opus")), []),
        (Filter(model=only("opus", "nothing")), [5]),
        (Filter(client=only("Codex", "Unknown")), [7, 6]),
        (Filter(client=Values(none_of=("Claude Code",))), [7, 6]),
        (Filter(client=Values(none_of=("Claude Code", "Unknown"))), [6]),
        (Filter(client=Values(none_of=("Codex",)), started_after=START + 5_500_000), [8, 7]),
        (Filter(model=Values(("opus", "sonnet"), ("sonnet",))), [5]),
        (Filter(initiator_id=Values(none_of=(ANA,))), [2]),
        (Filter(initiator_id=only(ANA), model=only("opus"), provider=only("anthropic")), [5]),
    ],
)
def test_count_and_list_agree_under_every_filter(
    connection: Connection, where: Filter, found: list[int]
) -> None:
    record(
        connection,
        Call(1, at=1),
        Call(2, at=2, initiator=BEN),
        Call(3, at=3, columns={"provider": "openai"}),
        Call(4, at=4, columns={"provider_name": "spare"}),
        Call(5, at=5, columns={"model": "opus"}),
        Call(6, at=6, columns={"client": "Codex"}),
        Call(7, at=7, columns={"client": None}),
        Call(8, at=8, session="s"),
    )
    assert numbers(connection, where) == found
    assert count(connection, where) == (len(found), False)


def test_an_unknown_or_running_cursor_is_refused(connection: Connection) -> None:
    record(connection, Call(1, running=True))
    for number in (1, 2):
        with pytest.raises(CursorNotFoundError):
            interceptions.page(connection, EVERY, limit=1, after_id=uid(number))


def test_pages_by_offset_follow_each_other(connection: Connection) -> None:
    record(connection, *(Call(number, at=number % 3) for number in range(7)))
    whole = numbers(connection)
    pages = [
        interceptions.page(connection, EVERY, limit=2, offset=offset).rows
        for offset in (0, 2, 4, 6, 8)
    ]
    assert [number_of(found.row.id) for page in pages for found in page] == whole


def test_children_come_in_order_of_recording(connection: Connection) -> None:
    record(
        connection,
        Call(1, prompts=("a", "b"), tools=("x", "y"), thoughts=("t",), tokens=((1, 2, 3, 4),)),
        Call(2, prompts=("c",)),
    )
    children = children_of.read(connection, [uid(1), uid(2)], thoughts=True)
    assert [row.prompt for row in children.user_prompts[uid(1)]] == ["a", "b"]
    assert [row.prompt for row in children.user_prompts[uid(2)]] == ["c"]
    assert [row.tool for row in children.tool_usages[uid(1)]] == ["x", "y"]
    assert [row.content for row in children.thoughts[uid(1)]] == ["t"]
    assert children.token_usages[uid(1)][0][3:7] == (1, 2, 3, 4)
    assert children.tool_usages[uid(1)][0].injected is False


@pytest.mark.parametrize("text", ["é\0\U0001f600" * 9, "x" * 27, "\0" * 27, ""])
def test_a_text_is_read_as_far_as_it_may_be_shown(
    record_database: Database,
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
) -> None:
    if record_database.is_postgresql:
        text = text.replace("\0", "\ufffd")  # it has none in texts
    record(connection, Call(1, prompts=(text,), thoughts=(text,)))
    for most in (1, 2, 9, 26, 27, 28):
        monkeypatch.setattr(children_of, "share", lambda _, most=most: most)
        children = children_of.read(connection, [uid(1)], thoughts=True)
        (prompt,), (thought,) = children.user_prompts[uid(1)], children.thoughts[uid(1)]
        assert prompt.prompt == thought.content == text[: len(prompt.prompt)]
        assert (len(prompt.prompt) > most) == (len(text) > most)
        assert min(len(text), most) <= len(prompt.prompt) <= 4 * (most + 1)


def test_children_of_a_page_take_one_query_a_table_and_one_for_their_number(
    record_database: Database, connection: Connection
) -> None:
    record(connection, *(Call(number, prompts=("a",)) for number in range(50)))
    statements: list[str] = []

    def note(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    event.listen(record_database.engine, "before_cursor_execute", note)
    children_of.read(connection, [uid(number) for number in range(50)], thoughts=True)
    assert len(statements) == 5


def test_more_children_than_parameters_fit_are_read_in_portions(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children_of, "IDS_A_QUERY", 2)
    record(connection, *(Call(number, prompts=("a",)) for number in range(5)))
    children = children_of.read(connection, [uid(number) for number in range(5)])
    assert len(children.user_prompts) == 5


def test_models_and_clients_are_distinct_and_ascending(connection: Connection) -> None:
    record(
        connection,
        Call(1, columns={"model": "b", "client": "Zed"}),
        Call(2, columns={"model": "a", "client": None}),
        Call(3, columns={"model": "b", "client": "Codex"}),
        Call(4, running=True, columns={"model": "hidden", "client": "hidden"}),
    )
    assert interceptions.models(connection, EVERY, limit=10) == ["a", "b"]
    assert interceptions.models(connection, EVERY, limit=1, offset=1) == ["b"]
    assert interceptions.clients(connection, EVERY, limit=10) == ["Codex", "Unknown", "Zed"]


@pytest.mark.parametrize(
    ("prefixes", "found"),
    [
        (ANY, ["g%1", "gpt", "o"]),
        (only("g"), ["g%1", "gpt"]),
        (only("G"), ["g%1", "gpt"]),
        (only("g%"), ["g%1"]),
        (only("_"), []),
        (only("gp", "O"), ["gpt", "o"]),
        (Values(none_of=("G%", "o")), ["gpt"]),
        (Values(("g",), ("gp",)), ["g%1"]),
    ],
)
def test_a_prefix_matches_either_case_and_knows_no_wildcards(
    connection: Connection, prefixes: Values, found: list[str]
) -> None:
    record(
        connection,
        *(Call(n, columns={"model": name}) for n, name in enumerate(["gpt", "g%1", "o"])),
    )
    assert interceptions.models(connection, EVERY, prefixes=prefixes, limit=10) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ana", ANA),
        ("ANA", ANA),
        ("an", None),
        ("", None),
    ],
)
def test_an_initiator_is_known_by_name_in_either_case(
    connection: Connection, text: str, found: str | None
) -> None:
    add_user(connection, ANA, "Ana")
    assert interceptions.find_initiator(connection, text) == found
