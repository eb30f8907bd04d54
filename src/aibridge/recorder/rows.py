"""Facts to rows: pure, so that what is kept of an interception can be read here in one place."""

from collections.abc import Callable, Iterable
from hashlib import blake2b
from itertools import chain, repeat
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from aibridge.agents import Annotations
from aibridge.dialects.facts import PromptKind, ResponseFacts, Thought, TokenUsage, ToolCall
from aibridge.ids import new_id
from aibridge.recorder.correlation import keys_of_end, keys_of_start
from aibridge.recorder.records import End, Start, Status, UsageCost
from aibridge.store.schema.accounts import charged_accounts
from aibridge.store.schema.measures import DAY, Shape, length, magnitude
from aibridge.store.schema.rows import (
    AccountSpendRow,
    AnnotationRow,
    CorrelationRow,
    DailyUsageRow,
    EndRow,
    InitiatorKindRow,
    InterceptionRow,
    Kind,
    ModelThoughtRow,
    Numbered,
    PromptIdRow,
    Row,
    SessionKindRow,
    SessionRow,
    TokenUsageRow,
    ToolUsageRow,
    UserPromptRow,
    unpriced_rows,
)
from aibridge.store.search.texts import text_row

_encode = msgspec.json.Encoder().encode
_NO_LENGTH = length(0)
_NO_COST = UsageCost()
_PROMPT_METADATA = {kind: _encode({"kind": kind}).decode() for kind in PromptKind}
_SHAPES = {kind: Shape[kind.name] for kind in PromptKind}
"""What an interception has that has a prompt of a kind."""


class Lineage(Struct, frozen=True):
    """Where an interception belongs: its session, and the thread that it goes on with, if any."""

    session_id: str
    parent_id: str | None = None
    root_id: str | None = None


class Numbers(NamedTuple):
    """The numbers of what rows refer to: a kind, the same without a shape, prices, annotations.

    The prices are those of its usages, in their order; ``annotation`` is 0 for none.
    """

    kind: int
    facet: int
    prices: tuple[int | None, ...] = ()
    annotation: int = 0


def numbers(start: Start, end: End, number: Callable[[Numbered], int]) -> Numbers:
    """Return the numbers for the rows of an interception, given how each is found."""
    its_kind = kind(start, end)
    prices = tuple([number(each.price) if each.price else None for each in end.costs])
    return Numbers(
        number(its_kind),
        number(its_kind._replace(shape=0)),
        prices,
        annotation_number(start, number),
    )


def annotation_number(start: Start, number: Callable[[Numbered], int]) -> int:
    """Return the number of an interception's annotations, 0 for none, given how it is found."""
    found = start.annotations
    return start.annotation_id if found is None else number(annotation_row(found))


def annotation_row(of: Annotations) -> AnnotationRow:
    """Return the row of annotations."""
    row = (of.repo, of.branch, _json(list(of.pull_requests)), _json(list(of.issues)))
    return AnnotationRow(blake2b(_encode(row), digest_size=16).hexdigest(), *row)


def start_rows(
    start: Start, lineage: Lineage, server_id: int | None, annotation: int = 0
) -> list[Row]:
    """Return the rows of an interception that has only begun, on this server."""
    running = (_json(start.edits), _json(start.notes), None, str(Status.RUNNING), None)
    return [
        _interception(
            start, lineage, (*running, "", "", "", None, 0, None, 0, 0), annotation, server_id
        ),
        *_prompts(start, ""),
        *_keys(start, keys_of_start(start, begins=lineage.session_id == start.id)),
    ]


def kind(start: Start, end: End) -> Kind:
    """Return what the interception is filtered by."""
    client = start.client or ""
    return Kind(start.provider, start.provider_name, start.model, client, _shape(start, end))


def _shape(start: Start, end: End) -> int:
    facts = end.facts
    has = (
        (Shape.ERROR, end.error_type or end.error_message),
        (Shape.THINKING, facts.thoughts),
        (Shape.TOOL, facts.tool_calls),
        (Shape.UNREAD, start.unread or facts.unread),
        (Shape.ESTIMATED, [usage for usage in facts.usages if usage.is_estimate]),
    )
    kinds = {each.kind for each in start.prompts}
    if start.kind is not PromptKind.TYPED:
        kinds.add(start.kind)
    return sum([part for part, is_there in has if is_there] + [_SHAPES[kind] for kind in kinds])


def end_rows(start: Start, lineage: Lineage, end: End, numbers: Numbers) -> list[Row]:
    """Return the rows that complete an interception whose start stands in the database."""
    tokens = _sum(end.facts)
    ending = _ending(start, end, numbers.kind, tokens)
    rows: list[Row] = [EndRow._make((*ending, numbers.annotation or None, start.id))]
    if start.prompts and end.facts.response_id:
        rows.append(PromptIdRow(end.facts.response_id, start.id))
    rows += _keys(start, keys_of_end(start, end))
    rows += _found(start, lineage, end, numbers, tokens)
    return rows


def whole_rows(start: Start, lineage: Lineage, end: End, numbers: Numbers) -> list[Row]:
    """Return the rows of an interception that began and ended since the last commit."""
    tokens = _sum(end.facts)
    return [
        _interception(
            start, lineage, _ending(start, end, numbers.kind, tokens), numbers.annotation
        ),
        *_prompts(start, end.facts.response_id),
        *_keys(start, keys_of_start(start, begins=lineage.session_id == start.id)),
        *_keys(start, keys_of_end(start, end)),
        *_found(start, lineage, end, numbers, tokens),
    ]


def _json(value: object) -> str:
    return _encode(value).decode() if value else ("[]" if isinstance(value, list) else "{}")


def _ending(start: Start, end: End, kind_id: int, tokens: TokenUsage) -> tuple[Any, ...]:
    """Return the columns that are known only at the end: `EndRow` but for annotations and id."""
    all_tokens = _all_tokens(tokens)
    return (
        _json([*start.edits, *end.edits]),
        _json([*start.notes, *end.notes, *end.facts.notes]),
        end.ended_at,
        str(end.status),
        end.http_status,
        end.error_type,
        end.error_message,
        end.facts.stop_reason[:64],
        end.first_byte_us,
        end.response_bytes,
        kind_id,
        all_tokens,
        magnitude(all_tokens),
    )


def _sum(facts: ResponseFacts) -> TokenUsage:
    """Return the tokens of all model runs of an answer together."""
    if len(facts.usages) == 1:
        return facts.usages[0]
    return TokenUsage(
        input=sum(each.input for each in facts.usages),
        output=sum(each.output for each in facts.usages),
        cache_read=sum(each.cache_read for each in facts.usages),
        cache_write=sum(each.cache_write for each in facts.usages),
    )


def _all_tokens(usage: TokenUsage) -> int:
    return usage.input + usage.output + usage.cache_read + usage.cache_write


def _interception(
    start: Start,
    lineage: Lineage,
    ending: tuple[Any, ...],
    annotation: int,
    server_id: int | None = None,
) -> InterceptionRow:
    return InterceptionRow(
        start.id,
        start.initiator_id,
        start.api_key_id,
        start.provider,
        start.provider_name,
        start.route,
        start.model,
        start.client,
        start.client_session_id,
        lineage.session_id,
        lineage.parent_id,
        lineage.root_id,
        start.credential_kind,
        start.credential_hint,
        start.user_agent,
        _json(start.metadata),
        start.stream,
        start.request_bytes,
        start.started_at,
        *(*ending, server_id, start.group_id, annotation or None),
    )


def _prompts(start: Start, response_id: str) -> list[UserPromptRow]:
    id_, at = start.id, start.started_at
    return [
        UserPromptRow(id_, new_id(), response_id, each.text, _PROMPT_METADATA[each.kind], at)
        for each in start.prompts
    ]


def _keys(start: Start, keys: Iterable[str]) -> list[CorrelationRow]:
    return [CorrelationRow(start.initiator_id, key, start.id, start.started_at) for key in keys]


def _found(
    start: Start, lineage: Lineage, end: End, numbers: Numbers, tokens: TokenUsage
) -> list[Row]:
    """Return what the answer said, and what it adds to the session; all its ``tokens`` together."""
    facts, at = end.facts, end.ended_at
    costs, prices = chain(end.costs, repeat(_NO_COST)), chain(numbers.prices, repeat(None))
    rated = zip(facts.usages, costs, prices)  # noqa: B905 - what is not rated has none
    rows: list[Row] = [_usage(start.id, facts, at, *each) for each in rated]
    rows += [_tool(start, facts, call, at) for call in facts.tool_calls]
    rows += [_thought(start, facts, thought, at) for thought in facts.thoughts]
    text = text_row(
        start.id,
        start.started_at,
        prompt="\n".join([each.text for each in start.prompts]),
        tools=[(call.name, call.input) for call in facts.tool_calls],
        error=(end.error_type, end.error_message),
    )
    if text is not None:
        rows.append(text)
    cost = _cost(end)
    rows.append(_session(start, lineage, end, tokens, cost))
    rows.append(SessionKindRow(lineage.session_id, start.initiator_id, numbers.kind))
    rows.append(InitiatorKindRow(start.initiator_id, numbers.kind, 1))
    rows.append(_daily_usage(start, end, numbers, tokens, cost))
    if micros := cost[0]:
        accounts = charged_accounts(start.group_id, start.api_key_id)
        rows += [AccountSpendRow(each, end.ended_at // DAY * DAY, micros) for each in accounts]
    return rows


def _usage(
    id_: str,
    facts: ResponseFacts,
    at: int,
    usage: TokenUsage,
    cost: UsageCost,
    price_id: int | None,
) -> TokenUsageRow:
    return TokenUsageRow(
        interception_id=id_,
        id=new_id(),
        provider_response_id=facts.response_id,
        input_tokens=usage.input,
        output_tokens=usage.output,
        cache_read_input_tokens=usage.cache_read,
        cache_write_input_tokens=usage.cache_write,
        metadata=_json(
            {"estimated": True, **usage.metadata} if usage.is_estimate else usage.metadata
        ),
        created_at=at,
        cache_write_5m_input_tokens=usage.cache_write_5m,
        cache_write_30m_input_tokens=usage.cache_write_30m,
        cache_write_1h_input_tokens=usage.cache_write_1h,
        cache_write_12h_input_tokens=usage.cache_write_12h,
        cost_micros=cost.micros,
        price_id=price_id,
        unpriced=cost.unpriced,
    )


def _tool(start: Start, facts: ResponseFacts, call: ToolCall, at: int) -> ToolUsageRow:
    return ToolUsageRow(
        id=new_id(),
        interception_id=start.id,
        provider_response_id=facts.response_id,
        initiator_id=start.initiator_id,
        tool=call.name,
        input=call.input,
        server_url=call.server_url,
        injected=False,
        invocation_error=call.error,
        provider_tool_call_id=call.call_id,
        provider_item_id=call.item_id,
        metadata=_json(call.metadata),
        created_at=at,
    )


def _thought(start: Start, facts: ResponseFacts, thought: Thought, at: int) -> ModelThoughtRow:
    metadata = _json({"source": thought.source})
    return ModelThoughtRow(start.id, new_id(), facts.response_id, thought.text, metadata, at)


def _cost(end: End) -> tuple[int, int]:
    """Return what an answer cost in micro-dollars, and how many usages have a part unpriced."""
    costs = end.costs
    unrated = len(end.facts.usages) - len(costs)
    unpriced = sum([unpriced_rows(each.unpriced) for each in costs])
    return sum([each.micros for each in costs]), unrated + unpriced


def _daily_usage(
    start: Start, end: End, numbers: Numbers, tokens: TokenUsage, cost: tuple[int, int]
) -> DailyUsageRow:
    return DailyUsageRow(
        start.initiator_id,
        end.ended_at // DAY * DAY,
        start.group_id,
        numbers.facet,
        numbers.annotation,
        1,
        tokens.input,
        tokens.output,
        tokens.cache_read,
        tokens.cache_write,
        *cost,
    )


def _session(
    start: Start, lineage: Lineage, end: End, tokens: TokenUsage, cost: tuple[int, int]
) -> SessionRow:
    all_tokens = _all_tokens(tokens)
    typed, is_own = start.typed, start.kind is PromptKind.TYPED
    at = start.started_at
    return SessionRow(
        initiator_id=start.initiator_id,
        id=lineage.session_id,
        client=start.client,
        metadata=_json(start.metadata) if is_own else "{}",
        started_at=at,
        ended_at=end.ended_at,
        last_active_at=at,
        last_prompt_at=None if typed is None else at,
        last_prompt=typed,
        last_started_at=at,
        length=_NO_LENGTH,
        magnitude=magnitude(all_tokens),
        threads=int(lineage.root_id is None and is_own),
        interceptions=1,
        tokens=all_tokens,
        input_tokens=tokens.input,
        output_tokens=tokens.output,
        cache_read_input_tokens=tokens.cache_read,
        cache_write_input_tokens=tokens.cache_write,
        cost_micros=cost[0],
        unpriced=cost[1],
    )
