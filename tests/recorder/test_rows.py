"""Facts to rows: what is kept of an interception."""

import pytest
from msgspec.structs import replace

from aibridge.agents import Annotations
from aibridge.dialects.facts import Notes, ResponseFacts, Thought, TokenUsage, ToolCall
from aibridge.recorder.correlation import attempt_key
from aibridge.recorder.records import Status, UsageCost
from aibridge.recorder.rows import (
    Lineage,
    Numbers,
    annotation_row,
    end_rows,
    kind,
    numbers,
    start_rows,
    whole_rows,
)
from aibridge.store.schema.measures import DAY, Shape
from aibridge.store.schema.rows import (
    CorrelationRow,
    DailyUsageRow,
    EndRow,
    InitiatorKindRow,
    InterceptionRow,
    ModelThoughtRow,
    PromptIdRow,
    SessionKindRow,
    SessionRow,
    TextRow,
    TokenUsageRow,
    ToolUsageRow,
    UserPromptRow,
)
from tests.recorder.facts import ANA, end, facts, start

LINEAGE = Lineage("s-1")
NUMBERS = Numbers(7, 8)


def of(kind, rows):
    return [row for row in rows if isinstance(row, kind)]


def test_a_start_is_an_interception_that_runs_and_its_prompt():
    begun = start(
        started_at=5, metadata={"a": 1}, edits=["e"], notes=Notes(["n"]), client_session_id="c"
    )
    interception, prompt, key = start_rows(begun, Lineage("s-1", "p-1", "r-1"), 7)
    assert isinstance(key, CorrelationRow)
    assert (key.key, key.interception_id) == (attempt_key(begun), begun.id)
    assert interception == InterceptionRow(
        id=begun.id,
        initiator_id=ANA,
        api_key_id="abcdefghij",
        provider="anthropic",
        provider_name="claude",
        route="/v1/messages",
        model="m-1",
        client="Claude Code",
        client_session_id="c",
        session_id="s-1",
        thread_parent_id="p-1",
        thread_root_id="r-1",
        credential_kind="centralized",
        credential_hint="sk...yz",
        user_agent="claude-cli/2",
        metadata='{"a":1}',
        stream=True,
        request_bytes=10,
        started_at=5,
        edits='["e"]',
        notes='["n"]',
        ended_at=None,
        status="running",
        http_status=None,
        error_type="",
        error_message="",
        stop_reason="",
        first_byte_us=None,
        response_bytes=0,
        kind_id=None,
        tokens=0,
        magnitude=0,
        server_id=7,
    )
    assert isinstance(prompt, UserPromptRow)
    assert prompt == (begun.id, prompt.id, "", "Hello.", '{"kind":"typed"}', 5)


def test_without_a_prompt_there_is_none():
    begun = start(prompt=None)
    assert [type(row) for row in start_rows(begun, LINEAGE, None)] == [InterceptionRow]
    assert not of(UserPromptRow, whole_rows(begun, LINEAGE, end(), NUMBERS))
    assert not of(PromptIdRow, end_rows(begun, LINEAGE, end(), NUMBERS))


def test_an_empty_prompt_is_one():
    assert of(UserPromptRow, start_rows(start(prompt=""), LINEAGE, None))


def test_an_end_completes_the_interception():
    begun = start(edits=["e1"], notes=Notes(["n1"]))
    over = end(
        ended_at=9,
        status=Status.FAILED,
        http_status=500,
        error_type="server_error",
        error_message="Oops",
        edits=["e2"],
        notes=["n2"],
        facts=facts(notes=Notes(["n3"])),
    )
    (row,) = of(EndRow, end_rows(begun, LINEAGE, over, NUMBERS))
    assert row == EndRow(
        edits='["e1","e2"]',
        notes='["n1","n2","n3"]',
        ended_at=9,
        status="failed",
        http_status=500,
        error_type="server_error",
        error_message="Oops",
        stop_reason="end_turn",
        first_byte_us=5,
        response_bytes=20,
        kind_id=7,
        tokens=10,
        magnitude=21,
        annotation_id=None,
        id=begun.id,
    )


def test_whole_rows_are_those_of_the_start_and_of_the_end():
    begun, over = start(), end()
    (whole,) = of(InterceptionRow, whole_rows(begun, LINEAGE, over, NUMBERS))
    (opened,) = of(InterceptionRow, start_rows(begun, LINEAGE, None))
    (closed,) = of(EndRow, end_rows(begun, LINEAGE, over, NUMBERS))
    assert whole._asdict() == opened._asdict() | closed._asdict()
    (prompt,) = of(UserPromptRow, whole_rows(begun, LINEAGE, over, NUMBERS))
    (late,) = of(PromptIdRow, end_rows(begun, LINEAGE, over, NUMBERS))
    assert prompt.provider_response_id == late.provider_response_id == "msg-1"


def test_a_prompt_whose_answer_has_no_id_keeps_none():
    assert not of(PromptIdRow, end_rows(start(), LINEAGE, end(facts=ResponseFacts()), NUMBERS))


def test_tokens_are_kept_once():
    used = facts().usages[0]
    used.cache_write_5m, used.cache_write_30m, used.cache_write_1h, used.cache_write_12h = (
        5,
        6,
        7,
        8,
    )
    over = end(ended_at=9, facts=facts(usages=[used, TokenUsage(input=9, is_estimate=True)]))
    row, other = of(TokenUsageRow, end_rows(start(id="i"), LINEAGE, over, NUMBERS))
    metadata = '{"usage":{"input_tokens":1}}'
    assert row == ("i", row.id, "msg-1", 1, 2, 3, 4, metadata, 9, 5, 6, 7, 8, 0, None, "not rated")
    assert (other.input_tokens, other.metadata) == (9, '{"estimated":true}')
    (session,) = of(SessionRow, end_rows(start(id="i"), LINEAGE, over, NUMBERS))
    assert (session.input_tokens, session.output_tokens, session.tokens) == (10, 2, 19)


def test_unknown_usage_is_no_row_and_zero_tokens_are_one():
    nothing, zero = end(facts=ResponseFacts()), end(facts=facts(usages=[TokenUsage()]))
    assert not of(TokenUsageRow, end_rows(start(), LINEAGE, nothing, NUMBERS))
    (row,) = of(TokenUsageRow, end_rows(start(), LINEAGE, zero, NUMBERS))
    assert (row.input_tokens, row.metadata) == (0, "{}")


def test_tools_and_thoughts_stand_in_their_order():
    calls = [
        ToolCall("bash", '{"a":1}', call_id="c1", item_id="i1", metadata={"x": 1}),
        ToolCall("search", "free text", server_url="https://mcp.test"),
    ]
    over = end(
        ended_at=9,
        facts=facts(tool_calls=calls, thoughts=[Thought("1"), Thought("2", "reasoning")]),
    )
    found = list(end_rows(start(id="i"), LINEAGE, over, NUMBERS))
    first, second = of(ToolUsageRow, found)
    assert first == (
        *("i", first.id, "msg-1", ANA, "bash", '{"a":1}', "", False, "", "c1", "i1", '{"x":1}', 9),
    )
    assert (second.server_url, second.provider_tool_call_id) == ("https://mcp.test", "")
    assert first.id < second.id
    thoughts = of(ModelThoughtRow, found)
    assert [(row.content, row.metadata) for row in thoughts] == [
        ("1", '{"source":"thinking"}'),
        ("2", '{"source":"reasoning"}'),
    ]
    assert thoughts[0].id < thoughts[1].id


@pytest.mark.parametrize("make", [end_rows, whole_rows])
def test_prompt_and_tools_are_indexed_when_the_answer_has_ended(make):
    begun = start(id="i", prompt="Mend the roof.")
    calls = [ToolCall("bash", '{"a":1}'), ToolCall("search", "free text")]
    (row,) = of(TextRow, make(begun, LINEAGE, end(facts=facts(tool_calls=calls)), NUMBERS))
    assert row == ("i", begun.started_at, "Mend the roof.", 'bash {"a":1} search free text', "")
    assert not of(TextRow, start_rows(begun, LINEAGE, None))


@pytest.mark.parametrize("prompt", [None, ""])
def test_without_any_text_nothing_is_indexed(prompt):
    assert not of(TextRow, whole_rows(start(prompt=prompt), LINEAGE, end(), NUMBERS))


@pytest.mark.parametrize(
    ("lineage", "threads"), [(Lineage("s-1"), 1), (Lineage("s-1", "p-1", "r-1"), 0)]
)
def test_the_session_gets_what_one_call_adds(lineage, threads):
    (row,) = of(SessionRow, end_rows(start(started_at=5), lineage, end(ended_at=9), NUMBERS))
    assert row == SessionRow(
        id="s-1",
        initiator_id=ANA,
        client="Claude Code",
        metadata="{}",
        started_at=5,
        ended_at=9,
        last_active_at=5,
        last_prompt_at=5,
        last_prompt="Hello.",
        last_started_at=5,
        length=1,
        magnitude=21,
        threads=threads,
        interceptions=1,
        tokens=10,
        input_tokens=1,
        output_tokens=2,
        cache_read_input_tokens=3,
        cache_write_input_tokens=4,
        cost_micros=0,
        unpriced=1,
    )


def test_a_session_without_prompt_or_tokens():
    over = end(facts=ResponseFacts())
    (row,) = of(SessionRow, end_rows(start(prompt=None), LINEAGE, over, NUMBERS))
    assert (row.last_prompt, row.last_prompt_at) == (None, None)
    assert row[-6:] == (0, 0, 0, 0, 0, 0)


def test_what_goes_wrong_is_indexed_too():
    over = end(error_type="server_error", error_message="Oops", facts=ResponseFacts())
    (row,) = of(TextRow, end_rows(start(prompt=None), LINEAGE, over, NUMBERS))
    assert (row.prompt, row.tool, row.error) == ("", "", "server_error Oops")


def test_a_session_and_its_initiator_have_the_kind():
    found = list(end_rows(start(), LINEAGE, end(), NUMBERS))
    assert of(SessionKindRow, found) == [("s-1", ANA, 7)]
    assert of(InitiatorKindRow, found) == [(ANA, 7, 1)]


def test_a_usage_has_its_cost_and_the_price_that_says_so():
    used = [TokenUsage(1, 2, 3, 4), TokenUsage(5, 6, 7, 8), TokenUsage(9)]
    costs = (UsageCost(100, "", "{}"), UsageCost(20, "cache_write_12h", "{}"))
    over = end(ended_at=3 * DAY - 1, facts=facts(usages=used), costs=costs)
    begun, its_own = start(started_at=DAY, group_id="g"), Numbers(7, 8, (6, 6), 5)
    for rows in (end_rows, whole_rows):
        found = list(rows(begun, LINEAGE, over, its_own))
        assert [row[-3:] for row in of(TokenUsageRow, found)] == [
            (100, 6, ""),
            (20, 6, "cache_write_12h"),
            (0, None, "not rated"),
        ]
        sums = (1, 15, 8, 10, 12, 120, 2)
        assert [row[-6:] for row in of(SessionRow, found)] == [sums[1:]]
        assert of(DailyUsageRow, found) == [(ANA, 2 * DAY, "g", 8, 5, *sums)]
    (row,) = of(InterceptionRow, whole_rows(begun, LINEAGE, over, its_own))
    assert (row.group_id, row.annotation_id) == ("g", 5)


def test_rows_refer_to_kinds_with_and_without_a_shape_and_to_prices():
    costs = (UsageCost(1, "", "{}"), UsageCost(), UsageCost(2, "", "[]"))
    over, asked = end(costs=costs), list[object]()

    def number(of: object) -> int:
        asked.append(of)
        return len(asked)

    found = numbers(start(), over, number)
    its_kind = kind(start(), over)
    assert asked == ["{}", "[]", its_kind, its_kind._replace(shape=0)]
    assert found == Numbers(3, 4, (1, None, 2))


def test_rows_refer_to_annotations_by_a_number_that_is_found_or_was():
    said = Annotations("github.com/acme/shop", "main", ("https://x/1",), ("ENG-1",))
    row = annotation_row(said)
    assert row[1:] == ("github.com/acme/shop", "main", '["https://x/1"]', '["ENG-1"]')
    others = (said, Annotations("a", "b"), Annotations("ab"))
    assert len({annotation_row(one).digest for one in others}) == 3
    begun, over = start(annotations=said), end()
    assert numbers(begun, over, lambda of: 9 if of == row else 7) == Numbers(7, 7, (), 9)
    assert numbers(start(annotation_id=4), over, lambda _: 7) == Numbers(7, 7, (), 4)
    assert numbers(start(), over, lambda _: 7) == Numbers(7, 7)
    (opened,) = of(InterceptionRow, start_rows(begun, LINEAGE, None, 9))
    (closed,) = of(EndRow, end_rows(begun, LINEAGE, over, Numbers(7, 8, annotation=9)))
    assert (opened.annotation_id, closed.annotation_id) == (9, 9)


@pytest.mark.parametrize(
    ("begun", "over", "shape"),
    [
        (start(prompt=None), end(facts=ResponseFacts()), 0),
        (start(), end(facts=ResponseFacts()), Shape.PROMPT),
        (start(prompt=""), end(facts=ResponseFacts()), Shape.PROMPT),
        (start(prompt=None), end(error_type="x", facts=ResponseFacts()), Shape.ERROR),
        (start(prompt=None), end(error_message="x", facts=ResponseFacts()), Shape.ERROR),
        (start(prompt=None), end(facts=ResponseFacts(thoughts=[Thought("1")])), Shape.THINKING),
        (start(prompt=None), end(facts=ResponseFacts(tool_calls=[ToolCall("x")])), Shape.TOOL),
    ],
)
def test_a_kind_has_all_that_is_filtered_by(begun, over, shape):
    found = kind(replace(begun, provider="p", provider_name="n", model="m", client="c"), over)
    assert found == ("p", "n", "m", "c", shape)
    assert kind(replace(begun, client=None), over).client == ""


def test_a_reason_to_stop_is_cut_to_its_column():
    over = end(facts=facts(stop_reason="x" * 100))
    assert len(of(EndRow, end_rows(start(), LINEAGE, over, NUMBERS))[0].stop_reason) == 64
