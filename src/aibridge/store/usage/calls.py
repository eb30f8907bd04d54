"""Calls with what each of them used, in the order of their starts, some at a time.

The usage rows themselves are read, and no sums of them: of calls that are purged there is nothing.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, case, func, select, tuple_

from aibridge.store.engine.conditions import one_of
from aibridge.store.lists.filters import EVERYTHING, chosen_kinds
from aibridge.store.schema.measures import WEEK, may_have_started
from aibridge.store.schema.rows import TokenUsageRow
from aibridge.store.schema.tables import interceptions, prices, token_usages, tool_usages
from aibridge.store.usage.daily import UsageFilter

LONGEST = WEEK
"""How long a call may have run, in microseconds: calls are found by their starts."""
MAX_INPUT = 65_536
"""Characters of the arguments of a tool that are read."""
WITH_INPUT = "web_search_call"
"""The tool whose arguments say whether a call of it is charged."""

_c, _u, _t = interceptions.c, token_usages.c, tool_usages.c


class Key(NamedTuple):
    """Where a call stands in the order of their starts."""

    started_at: int
    id: str


class CallRow(NamedTuple):
    """What of a call is told beside its usage; the fields are columns of ``interceptions``."""

    id: str
    started_at: int
    ended_at: int
    initiator_id: str
    group_id: str
    provider: str
    provider_name: str
    model: str
    client: str | None
    session_id: str
    credential_kind: str
    error_type: str

    @property
    def key(self) -> Key:
        """Where it stands."""
        return Key(self.started_at, self.id)


class ToolRow(NamedTuple):
    """A call of a tool that the provider ran itself."""

    tool: str
    input: str
    metadata: str


class UsedCall(NamedTuple):
    """A call, its usage rows and its calls of the provider's own tools, as they were recorded."""

    row: CallRow
    usages: Sequence[TokenUsageRow]
    tools: Sequence[ToolRow]


def read(
    connection: Connection, where: UsageFilter, *, after: Key | None, limit: int
) -> list[UsedCall]:
    """Return the next calls after a key that ended in the period; fewer than ``limit`` at its end.

    One that ran for longer than `LONGEST` is not found.
    """
    columns = [_c[name] for name in CallRow._fields]
    query = select(*columns).where(*_meant(where, after)).order_by(_c.started_at, _c.id)
    calls = [CallRow(*row) for row in connection.execute(query.limit(limit))]
    ids = [call.id for call in calls]
    usages = under(connection, _usages(), _u.interception_id, ids)
    tools = under(connection, _tools(), _t.interception_id, list(usages))
    return [
        UsedCall(
            call,
            [TokenUsageRow(*row) for row in usages.get(call.id, ())],
            [ToolRow(*row[1:]) for row in tools.get(call.id, ())],
        )
        for call in calls
    ]


def _meant(where: UsageFilter, after: Key | None) -> Iterator[ColumnElement[bool]]:
    first = max(0, where.start - LONGEST)
    yield _c.ended_at.is_not(None)
    yield _c.ended_at.between(where.start, where.end - 1)
    yield _c.started_at.between(first if after is None else after.started_at, where.end)
    yield may_have_started(_c.id, first, where.end)
    yield from chosen(where, after)


def chosen(where: UsageFilter, after: Key | None) -> Iterator[ColumnElement[bool]]:
    """Yield what calls after a key have to be, but for the times that are meant."""
    if after is not None:
        yield tuple_(_c.started_at, _c.id) > tuple_(*after)
    if where.user_ids is not None:
        yield _c.initiator_id.in_(where.user_ids)
    if where.group_ids is not None:
        yield _c.group_id.in_(where.group_ids)
    if where.kinds != EVERYTHING:
        yield _c.kind_id.in_(chosen_kinds(where.kinds))


def _usages() -> Select[Any]:
    return select(*(_u[name] for name in TokenUsageRow._fields)).order_by(_u.id)


def _tools() -> Select[Any]:
    """Return a query for the calls of tools that providers ran themselves."""
    told = case((_t.tool == WITH_INPUT, func.substr(_t.input, 1, MAX_INPUT)), else_="")
    query = select(_t.interception_id, _t.tool, told, _t.metadata).order_by(_t.id)
    return query.where(_t.provider_tool_call_id == "", _t.tool.endswith("_call", autoescape=True))


def under(
    connection: Connection, query: Select[Any], of: ColumnElement[str], ids: Sequence[str]
) -> dict[str, list[Sequence[Any]]]:
    """Return the rows under some calls, by the ids of these, which are their first column.

    Between which ids they are says in which partitions.
    """
    found: dict[str, list[Sequence[Any]]] = defaultdict(list)
    if ids:
        mine = (one_of(connection, of, ids), of.between(min(ids), max(ids)))
        for row in connection.execute(query.where(*mine)):
            found[row[0]].append(row)
    return found


def read_prices(connection: Connection, ids: Sequence[int]) -> dict[int, str]:
    """Return prices by their numbers, each as the JSON of `aibridge.prices.rates.Price`."""
    query = select(prices.c.id, prices.c.price).where(one_of(connection, prices.c.id, ids))
    return {row[0]: row[1] for row in connection.execute(query)} if ids else {}
