"""A made-up record of any size: the same for the same seed, whatever was built before.

A skewed one has what an index of equal parts does not: one person made half of all calls, and a
tenth of these are in one session, as where a client sends the same id for ever.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from random import Random
from typing import NamedTuple
from uuid import UUID

from aibridge.dialects.facts import Prompt, ResponseFacts, Thought, TokenUsage, ToolCall
from aibridge.recorder.records import End, Start, Status
from aibridge.recorder.rows import Lineage

SECOND = 1_000_000
DAY = 86_400 * SECOND
BEGIN = int(datetime(2026, 8, 17, tzinfo=UTC).timestamp()) * SECOND
DAYS = 70
"""The record spans ten weeks."""

PEOPLE = 3000
SESSION_CALLS = 10
"""Interceptions of a session on average."""
PORTION_SESSIONS = 200
"""Sessions that are made and written together."""
LASTING = str(UUID(int=7))
"""The session of a skewed record that has more calls than any other."""

_PROVIDERS = (
    ("anthropic", "anthropic", ("claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5")),
    ("anthropic", "spare", ("claude-sonnet-4-5", "claude-3-5-haiku-latest")),
    ("openai", "openai", ("gpt-5", "gpt-5-mini", "gpt-5-codex", "o3")),
    ("openrouter", "openrouter", ("qwen3-coder", "deepseek-v3")),
)
_PROVIDER_WEIGHTS = (60, 8, 28, 4)
_CLIENTS = ("Claude Code", "Codex", "Copilot CLI", "opencode", "Zed", None)
_CLIENT_WEIGHTS = (60, 20, 8, 6, 1, 5)
_ERRORS = (
    ("rate_limited", "This request would exceed the rate limit"),
    ("overloaded", "Overloaded"),
    ("timeout", "The provider did not answer in time"),
    ("server_error", "Internal server error"),
)
_TOOLS = ("Bash", "Read", "Edit", "Grep", "Write", "WebSearch")
_TOOL_WEIGHTS = (40, 30, 15, 10, 4, 1)
WORDS = [
    f"{first}{second}{number}"
    for first in "bdfgklmnprst"
    for second in "aeiou"
    for number in range(300)
]
"""The vocabulary; the n-th word is about n times rarer than the first."""
_WORD_WEIGHTS = list(accumulate(1 / (number + 1) for number in range(len(WORDS))))


_BUSY, _LASTING = 0.5, 0.1
"""In a skewed record the calls of one person, and of these those of one session, of all."""


@dataclass(frozen=True, slots=True)
class Made:
    """An interception that has ended."""

    start: Start
    lineage: Lineage
    end: End


def person(number: int) -> str:
    """Return the id of somebody."""
    return str(UUID(int=0x7000_0000_0000 + number))


class Record(NamedTuple):
    """A made-up record: how many portions it has, which follow each other in time."""

    seed: int
    portions: int
    is_skewed: bool = False

    def portion(self, number: int) -> Iterator[Made]:
        """Yield the interceptions of one portion."""
        random = Random(f"{self.seed} {number}")  # noqa: S311 - made up
        share = DAYS * DAY // self.portions
        for _ in range(PORTION_SESSIONS):
            at = BEGIN + number * share + random.randrange(share)
            yield from _session(random, at, is_skewed=self.is_skewed)


def _session(random: Random, at: int, *, is_skewed: bool) -> Iterator[Made]:
    initiator = person(min(int(random.expovariate(1 / 600)), PEOPLE - 1))
    session_id = str(UUID(int=random.getrandbits(128), version=4))
    if is_skewed and random.random() < _BUSY:
        initiator = person(0)
        session_id = LASTING if random.random() < _LASTING else session_id
    habits = Random(initiator)  # noqa: S311 - made up
    ((provider, name, models),) = habits.choices(_PROVIDERS, _PROVIDER_WEIGHTS)
    (client,) = habits.choices(_CLIENTS, _CLIENT_WEIGHTS)
    root = None
    calls = 1 + min(int(random.expovariate(1 / (SESSION_CALLS - 1))), 200)
    for turn in range(calls):
        prompted = turn == 0 or random.random() < 0.25  # noqa: PLR2004 - made up
        start = Start(
            id=_id(random, at),
            initiator_id=initiator,
            api_key_id="abcdefghij",
            provider=provider,
            provider_name=name,
            route="/v1/messages",
            model=random.choice(models),
            client=client,
            client_session_id=session_id,
            prompts=(Prompt(_text(random, 6, 40)),) if prompted else (),
            credential_kind="centralized",
            credential_hint="sk-...wxyz",
            user_agent="made-up/1.0",
            stream=True,
            request_bytes=random.randrange(500, 90_000),
            started_at=at,
        )
        root = start.id if prompted else root
        lineage = Lineage(session_id, None if prompted else root, None if prompted else root)
        yield Made(start, lineage, _end(random, start))
        at += int(random.expovariate(1 / (45 * SECOND))) + SECOND


def _id(random: Random, at: int) -> str:
    """Return an id as the bridge makes them: UUIDv7 with the time before chance."""
    milliseconds, rest = divmod(at, 1000)
    high = milliseconds << 80 | 7 << 76 | (rest << 2) << 64
    return str(UUID(int=high | 2 << 62 | random.getrandbits(62)))


def _text(random: Random, least: int, most: int) -> str:
    count = random.randint(least, most)
    return " ".join(random.choices(WORDS, cum_weights=_WORD_WEIGHTS, k=count))


def _end(random: Random, start: Start) -> End:
    ended_at = start.started_at + random.randrange(SECOND, 20 * SECOND)
    if random.random() < 0.02:  # noqa: PLR2004 - made up
        kind, message = random.choice(_ERRORS)
        facts = ResponseFacts()
        return End(ended_at, Status.FAILED, 500, kind, message, first_byte_us=9000, facts=facts)
    return End(
        ended_at,
        Status.COMPLETED,
        200,
        first_byte_us=random.randrange(200_000, 3 * SECOND),
        response_bytes=random.randrange(500, 20_000),
        facts=_facts(random, start),
    )


def _facts(random: Random, start: Start) -> ResponseFacts:
    spread = random.lognormvariate(0, 1.3)
    calls: Sequence[str] = ()
    if random.random() < 0.7:  # noqa: PLR2004 - made up
        calls = random.choices(_TOOLS, _TOOL_WEIGHTS, k=random.choice((1, 1, 1, 2)))
    arguments = f'{{"text":"{_text(random, 3, 15)}"}}'
    return ResponseFacts(
        response_id=f"msg_{start.id[-12:]}",
        stop_reason="tool_use" if calls else "end_turn",
        usages=[TokenUsage(int(300 * spread), int(400 * spread), int(30_000 * spread), 800)],
        tool_calls=[
            ToolCall(name, arguments, f"call_{start.id}_{number}")
            for number, name in enumerate(calls)
        ],
        thoughts=[Thought("Let me look.")] if random.random() < 0.2 else [],  # noqa: PLR2004
        ended=True,
    )
