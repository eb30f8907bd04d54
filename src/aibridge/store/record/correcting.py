"""Correcting what is on record of an interception, where its bytes are read otherwise than before.

Its session and its thread stay, and so do the ids of what is recorded under it. What was added up
of it follows: the sums of its session, the numbers of kinds, the index of texts.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, zip_longest
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    Table,
    bindparam,
    delete,
    insert,
    literal,
    select,
    update,
)

from aibridge.store.engine.bulk import cleaned
from aibridge.store.engine.conditions import inserting
from aibridge.store.record import remaining
from aibridge.store.record.corrections import runs
from aibridge.store.record.stored import Finality, finality
from aibridge.store.record.threads import begins_thread
from aibridge.store.schema.accounts import charged_accounts
from aibridge.store.schema.measures import DAY, Shape, magnitude_of
from aibridge.store.schema.rows import (
    COUNTERS,
    DAILY_KEYS,
    AccountSpendRow,
    AnnotationRow,
    DailyUsageRow,
    EndRow,
    InitiatorKindRow,
    InterceptionRow,
    Kind,
    ModelThoughtRow,
    Row,
    TokenUsageRow,
    ToolUsageRow,
    UserPromptRow,
    unpriced_rows,
)
from aibridge.store.schema.tables import (
    account_spend,
    annotations,
    daily_usage,
    initiator_kinds,
    interceptions,
    kinds,
    model_thoughts,
    session_kinds,
    sessions,
    token_usages,
    tool_usages,
    user_prompts,
)
from aibridge.store.search import index as text_index
from aibridge.store.search.texts import text_row

Fact = UserPromptRow | TokenUsageRow | ToolUsageRow | ModelThoughtRow

_FACTS: dict[type[Fact], Table] = {
    UserPromptRow: user_prompts,
    TokenUsageRow: token_usages,
    ToolUsageRow: tool_usages,
    ModelThoughtRow: model_thoughts,
}
"""The tables of what is recorded under an interception, by their rows."""

_NOT_READ = ("kind_id", "server_id", "group_id", "annotation_id")
"""Columns of an interception that its bytes do not tell: `Recorded` has what two of them mean."""
_COST = ("cost_micros", "price_id", "unpriced")
_NO_KIND = Kind("", "", "", "", 0)
_OF_ENDS = Shape.ERROR | Shape.THINKING | Shape.TOOL | Shape.UNREAD | Shape.ESTIMATED
"""What of a shape the end of an answer tells, in part or alone."""

_c, _s, _n = interceptions.c, sessions.c, initiator_kinds.c


class Recorded(NamedTuple):
    """All rows of an interception: its own, its kind, and its ``facts`` by their sorts, in order.

    ``finality`` is that of its end, `None` while it has none; ``annotations`` are `None` where it
    has none.
    """

    row: InterceptionRow
    kind: Kind
    finality: Finality | None
    facts: dict[type[Fact], list[Any]]
    annotations: AnnotationRow | None = None


def look(connection: Connection, id_: str, *, to_change: bool = False) -> Recorded | None:
    """Return what is on record of an interception; ``to_change`` it, nobody else may meanwhile."""
    query = select(interceptions, finality()).where(_c.id == id_)
    found = connection.execute(query.with_for_update() if to_change else query).one_or_none()
    if found is None:
        return None
    row = InterceptionRow(*found[:-1])
    its_kind = select(*(kinds.c[name] for name in Kind._fields)).where(kinds.c.id == row.kind_id)
    kind = connection.execute(its_kind).one_or_none()
    return Recorded(
        row,
        _NO_KIND if kind is None else Kind(*kind),
        None if row.ended_at is None else Finality(found[-1]),
        {sort: _facts(connection, sort, table, id_) for sort, table in _FACTS.items()},
        _annotations(connection, row.annotation_id),
    )


def _annotations(connection: Connection, number: int | None) -> AnnotationRow | None:
    if number is None:
        return None
    columns = (annotations.c[name] for name in AnnotationRow._fields)
    found = connection.execute(select(*columns).where(annotations.c.id == number)).one_or_none()
    return None if found is None else AnnotationRow(*found)


def _facts(connection: Connection, sort: type[Fact], table: Table, id_: str) -> list[Fact]:
    mine = select(*(table.c[name] for name in sort._fields)).where(table.c.interception_id == id_)
    return [sort._make(row) for row in connection.execute(mine.order_by(table.c.id))]


def replaced(
    found: Recorded,
    rows: Iterable[Row],
    kind: Kind,
    *,
    annotations: AnnotationRow | None = None,
    is_postgresql: bool,
) -> Recorded:
    """Return what is to be on record, of the rows that would be written of a new interception."""
    as_kept = cleaned if is_postgresql else _as_it_is
    row, facts = found.row, {sort: list[Any]() for sort in _FACTS}
    for each in rows:
        clean = type(each)(*map(as_kept, each))
        if isinstance(clean, InterceptionRow):
            its_own = {name: getattr(row, name) for name in _NOT_READ}
            row = clean._replace(**its_own)
        elif isinstance(clean, Fact):
            facts[type(clean)].append(clean)
    before, corrections = runs(found.facts[TokenUsageRow])
    for sort, read in facts.items():
        pairs = zip_longest(read, (found.facts | {TokenUsageRow: before})[sort][: len(read)])
        facts[sort] = [each if old is None else _kept(each, old) for each, old in pairs]
    same = [each for each in before if each in facts[TokenUsageRow]]
    facts[TokenUsageRow] += chain.from_iterable(corrections.get(each.id, ()) for each in same)
    facts[TokenUsageRow].sort(key=attrgetter("id"))
    return Recorded(row, Kind._make(map(as_kept, kind)), found.finality, facts, annotations)


def _kept(new: Any, old: Any) -> Any:  # noqa: ANN401 - a fact
    """Return a fact with the id of the one before, and its cost where that used the same."""
    new = new._replace(id=old.id)
    if not isinstance(new, TokenUsageRow):
        return new
    rated = {name: getattr(old, name) for name in _COST}
    return old if new._replace(**rated) == old else new


def with_end_of(old: Recorded, new: Recorded) -> Recorded:
    """Return what is new in the beginning of an interception, with the end and notes of the old."""
    ended = {name: getattr(old.row, name) for name in EndRow._fields}
    shape = new.kind.shape & ~_OF_ENDS | old.kind.shape & _OF_ENDS
    ids = (each.provider_response_id for facts in old.facts.values() for each in facts)
    id_ = next(ids, "")
    prompts = [each._replace(provider_response_id=id_) for each in new.facts[UserPromptRow]]
    facts = old.facts | {UserPromptRow: prompts}
    return new._replace(
        row=new.row._replace(**ended),
        kind=new.kind._replace(shape=shape),
        finality=old.finality,
        facts=facts,
    )


def _as_it_is(value: Any) -> Any:  # noqa: ANN401 - a value of any column
    return value


def differing(old: Recorded, new: Recorded) -> list[str]:
    """Return the columns of an interception, and the tables under it, in which two differ."""
    columns = list(_changes(old.row, new.row))
    columns += ["kind"] if old.kind != new.kind else []
    columns += ["annotations"] if old.annotations != new.annotations else []
    tables = (table.name for sort, table in _FACTS.items() if old.facts[sort] != new.facts[sort])
    return [*columns, *tables]


def _changes(old: InterceptionRow, new: InterceptionRow) -> dict[str, Any]:
    names = zip(InterceptionRow._fields, old, new, strict=True)
    return {name: value for name, before, value in names if value != before}


def correct(connection: Connection, old: Recorded, new: Recorded, facet_id: int) -> None:
    """Put what is ``new`` in the place of what is ``old``.

    The row of what is new has the numbers of its kind and annotations; ``facet_id`` is that of its
    kind without a shape.

    To be called in the transaction that looked at the old, by one who changes it, in the order in
    which the recorder's writers write: nobody waits for each other in a ring.
    """
    row, kind_id = new.row, new.row.kind_id or 0
    changes = _changes(old.row, row)
    if changes:
        connection.execute(update(interceptions).where(_c.id == row.id).values(changes))
    for sort, table in _FACTS.items():
        _correct_facts(connection, table, old.facts[sort], new.facts[sort])
    _correct_texts(connection, old, new)
    _correct_sums(connection, old, new)
    key, before = (row.session_id, row.initiator_id), old.row.kind_id or 0
    _add_session_kind(connection, row)
    remaining.follow(connection, key, None, {before} - {kind_id})
    if kind_id != before:
        _count_kinds(connection, row.initiator_id, {before: -1, kind_id: 1})
    _correct_days(connection, old, new, facet_id)


def correct_costs(connection: Connection, old: Recorded, new: Recorded, facet_id: int) -> None:
    """Do as `correct` where only usage rows differ, and none of them in its tokens."""
    _correct_facts(connection, token_usages, old.facts[TokenUsageRow], new.facts[TokenUsageRow])
    _correct_sums(connection, old, new)
    _correct_days(connection, old, new, facet_id)


def _correct_facts(
    connection: Connection, table: Table, old: Sequence[Any], new: Sequence[Any]
) -> None:
    same = set(old) & set(new)
    if gone := [{"of": each.interception_id, "one": each.id} for each in old if each not in same]:
        c = table.c
        its_own = (c.interception_id == bindparam("of"), c.id == bindparam("one"))
        connection.execute(delete(table).where(*its_own), gone)
    if added := [each._asdict() for each in new if each not in same]:
        connection.execute(insert(table), added)


def _correct_texts(connection: Connection, old: Recorded, new: Recorded) -> None:
    before, after = (
        text_row(
            one.row.id,
            one.row.started_at,
            prompt="\n".join(each.prompt for each in one.facts[UserPromptRow]),
            tools=[(each.tool, each.input) for each in one.facts[ToolUsageRow]],
            error=(one.row.error_type, one.row.error_message),
        )
        for one in (old, new)
    )
    if before == after:
        return
    cursor: Any = connection.connection.cursor()
    if before is not None:
        text_index.remove(cursor, before)
    if after is not None:
        text_index.add(cursor, [after])


def _correct_sums(connection: Connection, old: Recorded, new: Recorded) -> None:
    """Correct the sums of a session, which locks it for what is done to it next."""
    key, less, more = (old.row.session_id, old.row.initiator_id), _sums(old), _sums(new)
    sums = {name: _s[name] + more[name] - less[name] for name in more}
    sums["magnitude"] = magnitude_of(sums["tokens"])
    its_own = (_s.id == key[0], _s.initiator_id == key[1])
    connection.execute(update(sessions).where(*its_own).values(sums))


def _sums(one: Recorded) -> dict[str, int]:
    """Return what an interception adds to its session."""
    return {
        "threads": int(begins_thread(one.row.thread_root_id, one.row.metadata)),
        "tokens": one.row.tokens,
        **_used(one),
    }


def _used(one: Recorded) -> dict[str, int]:
    """Return what the usage rows of an interception add up to, by the names of `USED`."""
    used = one.facts[TokenUsageRow]
    sums = {name: sum(getattr(each, name) for each in used) for name in (*COUNTERS, "cost_micros")}
    return {**sums, "unpriced": sum(unpriced_rows(each.unpriced) for each in used)}


def _correct_days(connection: Connection, old: Recorded, new: Recorded, facet_id: int) -> None:
    """Correct the usage of a day, or of two, in the order in which writers add."""
    names = (kinds.c[name] == getattr(old.kind, name) for name in Kind._fields[:-1])
    before = connection.scalar(select(kinds.c.id).where(*names, kinds.c.shape == 0))
    less = None if before is None else _daily(old, before, -1)
    for row in sorted(filter(None, (less, _daily(new, facet_id, 1)))):
        _add_up(connection, daily_usage, row, DAILY_KEYS)
    _correct_accounts(connection, old, new)
    of_nothing = (
        daily_usage.c.initiator_id == old.row.initiator_id,
        daily_usage.c.interceptions <= 0,
    )
    connection.execute(delete(daily_usage).where(*of_nothing))


def _correct_accounts(connection: Connection, old: Recorded, new: Recorded) -> None:
    """Correct what accounts have spent, in the order in which writers add."""
    added: Counter[tuple[str, int]] = Counter()
    for one, sign in ((old, -1), (new, 1)):
        day = _day(one.row)
        for account in charged_accounts(one.row.group_id, one.row.api_key_id):
            added[account, day] += sign * sum(each.cost_micros for each in one.facts[TokenUsageRow])
    for (account, day), micros in sorted(added.items()):
        if micros:
            _add_up(connection, account_spend, AccountSpendRow(account, day, micros), 2)


def _add_up(
    connection: Connection,
    table: Table,
    row: DailyUsageRow | AccountSpendRow | InitiatorKindRow,
    keys: int,
) -> None:
    """Add a row to the sums of its key, which is so many fields at its beginning."""
    adding = inserting(connection, table).values(row._asdict())
    sums = {name: table.c[name] + getattr(row, name) for name in row._fields[keys:]}
    key = [table.c[name] for name in row._fields[:keys]]
    connection.execute(adding.on_conflict_do_update(index_elements=key, set_=sums))


def _day(row: InterceptionRow) -> int:
    return (row.ended_at or row.started_at) // DAY * DAY


def _daily(one: Recorded, facet_id: int, sign: int) -> DailyUsageRow:
    """Return what an interception adds to the usage of its day, or takes from it."""
    row = one.row
    added = (sign * number for number in (1, *_used(one).values()))
    key = (row.initiator_id, _day(row), row.group_id, facet_id, row.annotation_id or 0)
    return DailyUsageRow(*key, *added)


def _count_kinds(connection: Connection, initiator_id: str, more: dict[int, int]) -> None:
    """Add to the numbers of kinds, in the order in which writers add."""
    for kind_id, number in sorted(more.items()):
        _add_up(connection, initiator_kinds, InitiatorKindRow(initiator_id, kind_id, number), 2)
    its_own = (_n.initiator_id == initiator_id, _n.interceptions <= 0)
    connection.execute(delete(initiator_kinds).where(*its_own))


def _add_session_kind(connection: Connection, row: InterceptionRow) -> None:
    active = select(_s.id, _s.initiator_id, literal(row.kind_id), _s.last_active_at)
    active = active.where(_s.id == row.session_id, _s.initiator_id == row.initiator_id)
    adding = inserting(connection, session_kinds).from_select(session_kinds.c.keys(), active)
    connection.execute(adding.on_conflict_do_nothing())
