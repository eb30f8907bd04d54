"""Which interceptions are meant: one builder of conditions, shared by lists and their counts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Table, and_, exists, func, literal, not_, or_, select

from aibridge.store import schema
from aibridge.store.schema import interceptions
from aibridge.store.text_index import contains, mentioning

UNKNOWN_CLIENT = "Unknown"
"""How a client that nobody recognised is named in lists and filters; in the table it is null."""


@dataclass(frozen=True, slots=True)
class Values:
    """Which texts are meant; an empty ``any_of`` means whatever is not in ``none_of``."""

    any_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """Which whole numbers are meant, both bounds included; ``None`` is no bound."""

    least: int | None = None
    most: int | None = None


ANY = Values()
ANY_NUMBER = Span()


def only(*values: str) -> Values:
    """Return a choice of just these values."""
    return Values(any_of=values)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which interceptions are meant: those that are as every field says.

    ``provider`` is the type, ``provider_name`` the configured one. The times are inclusive
    bounds of ``started_at`` in microseconds. ``client`` may be `UNKNOWN_CLIENT`.
    ``visible_to`` is the one initiator whose records may be seen, `None` for everybody's.

    ``prompt`` and ``tool`` are words in the prompt, and in names and arguments of tool calls; see
    `aibridge.store.text_index.mentioning`. ``error`` is a type of error, or a part of its message.
    ``has`` is any of `PARTS`. ``tokens`` counts those of every kind, of a session all it has.
    """

    initiator_id: Values = ANY
    provider: Values = ANY
    provider_name: Values = ANY
    model: Values = ANY
    client: Values = ANY
    session_id: Values = ANY
    started_after: int | None = None
    started_before: int | None = None
    visible_to: str | None = None
    prompt: Values = ANY
    tool: Values = ANY
    error: Values = ANY
    has: Values = ANY
    tokens: Span = ANY_NUMBER


_c = interceptions.c
client_name = func.coalesce(_c.client, literal(UNKNOWN_CLIENT))
"""The client as lists name it, never null."""


def _has(child: Table) -> ColumnElement[bool]:
    return exists().where(child.c.interception_id == _c.id).correlate(interceptions)


_HAS_ERROR = or_(_c.error_type != "", _c.error_message != "")
_HAS = {
    "error": _HAS_ERROR,
    "prompt": _has(schema.user_prompts),
    "thinking": _has(schema.model_thoughts),
    "tool": _has(schema.tool_usages),
}
PARTS = tuple(_HAS)
"""What an interception can be asked to have."""


def all_tokens(table: Table) -> ColumnElement[int]:
    """Return the sum of a row's four counters."""
    c = table.c
    cached = c.cache_read_input_tokens + c.cache_write_input_tokens
    return c.input_tokens + c.output_tokens + cached


_usages = schema.token_usages
_tokens = func.coalesce(
    select(func.sum(all_tokens(_usages)))
    .where(_usages.c.interception_id == _c.id)
    .correlate(interceptions)
    .scalar_subquery(),
    0,
)


def matching(where: Filter) -> list[ColumnElement[bool]]:
    """Return the conditions of a filter on ended interceptions; lists and counts share them."""
    found: list[ColumnElement[bool]] = [
        _c.ended_at.is_not(None),
        *chosen(_c.initiator_id, where.initiator_id),
        *chosen(_c.session_id, where.session_id),
        *chosen(_c.provider, where.provider),
        *chosen(_c.provider_name, where.provider_name),
        *chosen(_c.model, where.model),
        *chosen(client_name, where.client),
        *_mentioned("prompt", where.prompt),
        *_mentioned("tool", where.tool),
        *choice(_error, where.error),
        *choice(_HAS.__getitem__, where.has),
        *within(_tokens, where.tokens),
    ]
    if where.visible_to is not None:
        found.append(_c.initiator_id == where.visible_to)
    if where.started_after is not None:
        found.append(_c.started_at >= where.started_after)
    if where.started_before is not None:
        found.append(_c.started_at <= where.started_before)
    return found


def chosen(column: ColumnElement[str], values: Values) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions under which a column, which is never null, has one of ``values``."""
    if values.any_of:
        yield column.in_(values.any_of)
    if values.none_of:
        yield column.not_in(values.none_of)


def within(number: ColumnElement[int], span: Span) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions under which a number, which is never null, is in the span."""
    if span.least is not None:
        yield number >= span.least
    if span.most is not None:
        yield number <= span.most


def _mentioned(name: str, values: Values) -> Iterator[ColumnElement[bool]]:
    if values.any_of:
        yield _c.id.in_(mentioning(name, values.any_of))
    if values.none_of:
        yield _c.id.not_in(mentioning(name, values.none_of))


def choice(
    condition: Callable[[str], ColumnElement[bool]], values: Values
) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions under which one of ``values`` holds, and none of those excluded."""
    if values.any_of:
        yield or_(*map(condition, values.any_of))
    yield from (not_(condition(value)) for value in values.none_of)


def _error(text: str) -> ColumnElement[bool]:
    return and_(_HAS_ERROR, or_(_c.error_type == text, contains(_c.error_message, text)))
