"""What is on record after a round, read from the tables themselves, once the bridge has stopped."""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg

from scripts.kill_asks import USAGE, Ask

Rows = list[tuple[Any, ...]]
Query = Callable[[str], Rows]

TABLES = {
    "interceptions": "id",
    "token_usages": "id",
    "user_prompts": "id",
    "tool_usages": "id",
    "model_thoughts": "id",
}
_ANSWERS = """
    SELECT prompt, interceptions.id, status, stop_reason, input_tokens, output_tokens,
        request_bytes, response_bytes, notes
    FROM interceptions
    JOIN user_prompts ON user_prompts.interception_id = interceptions.id
    LEFT JOIN token_usages ON token_usages.interception_id = interceptions.id
"""
_REQUEST_BYTES = 5
_NO_NOTES: tuple[object, ...] = ("[]", [])
_TOKENS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_write_input_tokens")
_SUMS = ", ".join(f"coalesce(sum({name}), 0)" for name in _TOKENS)
_SESSIONS = f"SELECT id, initiator_id, interceptions, {', '.join(_TOKENS)} FROM sessions"  # noqa: S608 - names of ours
_RAW_SESSIONS = f"""
    SELECT session_id, initiator_id, count(DISTINCT interceptions.id), {_SUMS}
    FROM interceptions
    LEFT JOIN token_usages ON token_usages.interception_id = interceptions.id
    WHERE ended_at IS NOT NULL GROUP BY session_id, initiator_id
"""  # noqa: S608 - names of ours
_KINDS = "SELECT initiator_id, kind_id, interceptions FROM initiator_kinds"
_RAW_KINDS = """
    SELECT initiator_id, kind_id, count(*) FROM interceptions
    WHERE kind_id IS NOT NULL GROUP BY initiator_id, kind_id
"""
_RUNNING = "SELECT count(*) FROM interceptions WHERE ended_at IS NULL OR status = 'running'"


@dataclass(slots=True)
class Verdict:
    """How many answers that were read to their ends are ``found``; the rest should be nothing.

    But for ``damaged``: those of them that are not as they were, as the fault has damaged them.
    """

    found: int = 0
    damaged: int = 0
    duplicates: int = 0
    lost: int = 0
    wrong: list[str] = field(default_factory=list)


def judge(database_url: str, asked: Iterable[Ask], damaged: Collection[str] = ()) -> Verdict:
    """Compare what clients saw with the tables of a database, SQLite's or PostgreSQL's.

    ``damaged`` are the prompts of calls that a fault has damaged.
    """
    verdict = Verdict()
    with _reading(database_url) as query:
        _judge_answers(query, asked, damaged, verdict)
        for table, column in TABLES.items():
            _judge_ids(query, table, column, verdict)
        _compare("sessions", query(_SESSIONS), query(_RAW_SESSIONS), verdict)
        _compare("kinds", query(_KINDS), query(_RAW_KINDS), verdict)
        ((running,),) = query(_RUNNING)
        if running:
            verdict.wrong.append(f"{running} interceptions are left running")
    return verdict


def _judge_answers(
    query: Query, asked: Iterable[Ask], damaged: Collection[str], verdict: Verdict
) -> None:
    record: defaultdict[str, Rows] = defaultdict(list)
    for prompt, *facts in query(_ANSWERS):
        record[prompt].append(tuple(facts))
    for ask in asked:
        rows = record.pop(ask.prompt, [])
        is_found = any(_is_whole(ask, *facts) for _, *facts in rows)
        verdict.found += ask.ended and is_found
        if ask.ended and not is_found and ask.prompt in damaged:
            verdict.damaged += 1
        elif ask.ended and not is_found:
            verdict.lost += 1
            verdict.wrong.append(f"lost: {ask.kind.path} {ask.prompt!r}: on record {rows}")
        if len(rows) > 1:
            verdict.duplicates += len(rows) - 1
            verdict.wrong.append(f"more than once: {ask.prompt!r}: {rows}")
        verdict.wrong += [
            f"not as it was sent: {ask.prompt!r}: {row}"
            for row in rows
            if row[_REQUEST_BYTES] != len(ask.content)
        ]


def _is_whole(ask: Ask, *facts: object) -> bool:
    """Say whether an answer is on record as it was read, to its last byte and without doubt."""
    *said, notes = facts
    whole = ["completed", ask.kind.stop, USAGE.input, USAGE.output, len(ask.content), ask.size]
    return said == whole and notes in _NO_NOTES


def _judge_ids(query: Query, table: str, column: str, verdict: Verdict) -> None:
    statement = f"SELECT count({column}) - count(DISTINCT {column}) FROM {table}"  # noqa: S608 - names of ours
    ((twice,),) = query(statement)
    if twice:
        verdict.duplicates += twice
        verdict.wrong.append(f"{table}: {twice} ids more than once")


def _compare(name: str, kept: Rows, raw: Rows, verdict: Verdict) -> None:
    """Compare sums that are kept with those of the rows."""
    different = set(kept) ^ set(raw)
    verdict.wrong += [f"{name}: kept or counted only: {row}" for row in sorted(different, key=str)]


@contextmanager
def _reading(database_url: str) -> Iterator[Query]:
    if database_url.startswith("sqlite"):
        with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as file:
            yield lambda statement: file.execute(statement).fetchall()
    else:
        with psycopg.connect(database_url) as connection:
            yield lambda statement: connection.execute(statement.encode()).fetchall()
