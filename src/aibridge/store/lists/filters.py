"""Which interceptions and sessions a list is to show, and conditions on columns that say so."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import get_args

from sqlalchemy import ColumnElement, Select, func, literal_column, not_, or_, select

from aibridge.contract.words import PromptKind
from aibridge.store.schema.measures import Shape
from aibridge.store.schema.tables import interceptions, kinds
from aibridge.store.search import index as text_index

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

    ``prompt``, ``tool`` and ``error`` are words in the prompt, in names and arguments of tool
    calls, and in types and messages of errors; see `aibridge.store.search.index`. ``has`` is any of
    `PARTS`, ``kind`` any of `KINDS`. ``tokens`` counts those of every sort, of a session all that
    it has.
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
    kind: Values = ANY
    tokens: Span = ANY_NUMBER

    def kinds(self) -> "Filter":
        """Return what is asked of kinds alone."""
        return Filter(
            provider=self.provider,
            provider_name=self.provider_name,
            model=self.model,
            client=self.client,
            has=self.has,
            kind=self.kind,
        )

    def asks_kinds(self) -> bool:
        """Return whether only some kinds can match, also as others have no text of a sort."""
        return self.kinds() != EVERYTHING or bool(IN_TEXTS & self.wanted_words().keys())

    def wanted_words(self) -> text_index.Words:
        """Return what has to stand in texts."""
        texts = {"prompt": self.prompt, "tool": self.tool, "error": self.error}
        return {name: values.any_of for name, values in texts.items() if values.any_of}

    def unwanted_words(self) -> text_index.Words:
        """Return what must not stand in texts."""
        texts = {"prompt": self.prompt, "tool": self.tool, "error": self.error}
        return {name: values.none_of for name, values in texts.items() if values.none_of}

    def has_words(self) -> bool:
        """Return whether anything is asked of texts."""
        return any((self.wanted_words(), self.unwanted_words()))

    def one_of_people(self) -> tuple[str, ...]:
        """Return who may have made them, where that is some people and not all but some."""
        return self.initiator_id.any_of if self.visible_to is None else (self.visible_to,)

    def times(self) -> "Filter":
        """Return what is asked of the start alone."""
        return Filter(started_after=self.started_after, started_before=self.started_before)

    def counted(self) -> "Filter":
        """Return what the numbers of kinds and initiators answer."""
        kinds_alone = self.kinds()
        return replace(kinds_alone, initiator_id=self.initiator_id, visible_to=self.visible_to)


EVERYTHING = Filter()

_c, _k = interceptions.c, kinds.c
client_name = func.coalesce(func.nullif(_k.client, ""), UNKNOWN_CLIENT)
"""The client of a kind as lists name it, never empty."""

PARTS = ("error", "estimated", "prompt", "thinking", "tool", "unread")
"""What an interception can be asked to have."""
IN_TEXTS = {"error", "tool"}
"""The parts that every interception has in whose text of this name anything stands."""
KINDS: tuple[str, ...] = get_args(PromptKind)
"""The kinds of prompts, of which an interception can be asked to have one."""


def visible(visible_to: str | None) -> list[ColumnElement[bool]]:
    """Return the conditions on interceptions that are shown at all: they have ended."""
    shown: list[ColumnElement[bool]] = [_c.ended_at.is_not(None)]
    return shown if visible_to is None else [*shown, _c.initiator_id == visible_to]


def initiated(initiator_id: ColumnElement[str], where: Filter) -> list[ColumnElement[bool]]:
    """Return the conditions on an initiator."""
    found = list(chosen(initiator_id, where.initiator_id))
    if where.visible_to is not None:
        found.append(initiator_id == where.visible_to)
    return found


def chosen_kinds(where: Filter) -> Select[tuple[int]]:
    """Return a query for the ids of the kinds that a filter means."""
    return select(_k.id).where(*of_kind(where))


def of_kind(where: Filter) -> list[ColumnElement[bool]]:
    """Return the conditions on a kind."""
    return [
        *chosen(_k.provider, where.provider),
        *chosen(_k.provider_name, where.provider_name),
        *chosen(_k.model, where.model),
        *chosen(client_name, where.client),
        *choice(_has, where.has),
        *choice(_has, where.kind),
        *(_has(part) for part in sorted(IN_TEXTS & where.wanted_words().keys())),
    ]


def _has(part: str) -> ColumnElement[bool]:
    return _k.shape.bitwise_and(literal_column(str(Shape[part.upper()].value))) != 0


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


def choice(
    condition: Callable[[str], ColumnElement[bool]], values: Values
) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions under which one of ``values`` holds, and none of those excluded."""
    if values.any_of:
        yield or_(*map(condition, values.any_of))
    yield from (not_(condition(value)) for value in values.none_of)
