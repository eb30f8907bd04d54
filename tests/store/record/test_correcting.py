"""What is to be on record of an interception that is read otherwise than before."""

from typing import Any

import pytest

from aibridge.dialects.facts import Prompt, Thought, TokenUsage
from aibridge.recorder.records import End, Start, Status
from aibridge.recorder.rows import Lineage, Numbers, kind, whole_rows
from aibridge.store.record.correcting import Recorded, differing, replaced, with_end_of
from aibridge.store.record.stored import Finality
from aibridge.store.schema.measures import Shape
from aibridge.store.schema.rows import (
    InterceptionRow,
    ModelThoughtRow,
    TokenUsageRow,
    ToolUsageRow,
    UserPromptRow,
)
from tests.recorder.facts import end, facts, start

FIRST, SECOND = Prompt("One."), Prompt("Two.")
NOTHING: dict[Any, list[Any]] = {
    UserPromptRow: [],
    TokenUsageRow: [],
    ToolUsageRow: [],
    ModelThoughtRow: [],
}


def begun(*prompts: Prompt, **more: Any) -> Start:
    return start(id="an id", started_at=1, prompts=prompts or (FIRST, SECOND), **more)


def over(**more: Any) -> End:
    return end(ended_at=2, facts=facts("call-1", **more))


def recorded(start: Start, end: End, *, is_postgresql: bool = False) -> Recorded:
    """Return what is on record of an interception that is written for the first time."""
    rows = list(whole_rows(start, Lineage("s"), end, Numbers(7, 8, (9,))))
    (row,) = (each for each in rows if isinstance(each, InterceptionRow))
    new = Recorded(row._replace(server_id=3), kind(start, end), Finality.FINAL, NOTHING)
    return replaced(new, rows, new.kind, is_postgresql=is_postgresql)


def again(old: Recorded, start: Start, end: End, *, is_postgresql: bool = False) -> Recorded:
    """Return what is to be on record of it when it is read again."""
    rows = whole_rows(start, Lineage("s"), end, Numbers(0, 0))
    return replaced(old, rows, kind(start, end), is_postgresql=is_postgresql)


def test_what_is_read_as_before_does_not_differ() -> None:
    old = recorded(begun(), over())
    assert again(old, begun(), over()) == old
    assert differing(old, again(old, begun(), over())) == []


@pytest.mark.parametrize("prompts", [(FIRST,), (FIRST, Prompt("Other.")), (FIRST, SECOND, SECOND)])
def test_rows_have_the_ids_of_those_in_whose_places_they_stand(prompts: tuple[Prompt, ...]) -> None:
    old = recorded(begun(), over())
    new = again(old, begun(*prompts), over())
    ids = [each.id for each in old.facts[UserPromptRow]]
    found = new.facts[UserPromptRow]
    assert [each.prompt for each in found] == [each.text for each in prompts]
    assert [each.id for each in found][:2] == ids[: len(prompts)]
    assert sorted({each.id for each in found}) == [each.id for each in found]
    assert differing(old, new) == ["user_prompts"]


@pytest.mark.parametrize(
    ("start", "end", "fields"),
    [
        (begun(model="m-2"), over(), ["model", "kind"]),
        (begun(), over(thoughts=[]), ["kind", "model_thoughts"]),
        (begun(), over(thoughts=[Thought("So.")]), ["model_thoughts"]),
        (begun(), over(usages=[TokenUsage(9)]), ["tokens", "magnitude", "token_usages"]),
        (begun(unread=True), over(), ["kind"]),
    ],
)
def test_the_columns_and_tables_that_differ_are_named(
    start: Start, end: End, fields: list[str]
) -> None:
    old = recorded(begun(), over())
    assert differing(old, again(old, start, end)) == fields


def test_a_character_that_the_database_keeps_otherwise_is_no_difference() -> None:
    nul = begun(Prompt("A \0."), model="m \0")
    old = recorded(nul, over(), is_postgresql=True)
    assert old.row.model == "m \ufffd"
    assert differing(old, again(old, nul, over(), is_postgresql=True)) == []


def test_an_end_that_is_kept_goes_with_a_beginning_that_is_new() -> None:
    old = recorded(begun(FIRST), over(response_id="resp-1"))
    failed = end(ended_at=9, status=Status.FAILED, error_type="x", facts=facts(response_id=""))
    new = with_end_of(old, again(old, begun(FIRST, SECOND, model="m-2"), failed))
    assert differing(old, new) == ["model", "kind", "user_prompts"]
    assert new.kind.shape == Shape.PROMPT | Shape.THINKING | Shape.TOOL
    assert [each.provider_response_id for each in new.facts[UserPromptRow]] == ["resp-1"] * 2
