"""The rules of searching as plain Python says them, for the API's answers to be held against."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import ge, gt, le, lt
from typing import Any

from hypothesis import strategies as st

from aibridge.sdk.quoting import go_quote
from aibridge.store.lists.filters import KINDS, PARTS
from tests.builders import ANA, BEN, START, Call
from tests.words import TEXTS, stands_in, words

COMPARE = {">": gt, ">=": ge, "<": lt, "<=": le}
TIMES = {f"2026-01-01T00:00:0{second}Z": START + second * 1_000_000 for second in range(4)}
USERS = {"ana": ANA, "me": ANA, "BEN": BEN}
ERRORS = ["", "timeout", "overloaded", "Too slow", "100%"]
SIZES = {"": 1, "k": 1000, "M": 1_000_000}


@dataclass(frozen=True)
class Asked:
    """A term of a query."""

    key: str
    value: str
    operator: str = ":"
    excluded: bool = False

    def written(self) -> str:
        value = self.value if self.operator != ":" else go_quote(self.value)
        return f"{'-' if self.excluded else ''}{self.key}{self.operator}{value}"


_VALUES = {
    "model": st.sampled_from(["opus", "sonnet", "OPUS", ""]),
    "client": st.sampled_from(["Unknown", "Codex", "Zed"]),
    "provider": st.sampled_from(["anthropic", "openai"]),
    "provider_name": st.sampled_from(["claude", "spare"]),
    "session_id": st.sampled_from(["s0", "s1", "s3"]),
    "initiator": st.sampled_from(sorted(USERS)),
    "started_after": st.sampled_from(list(TIMES)[:2]),
    "started_before": st.sampled_from(list(TIMES)[2:]),
    "error": st.sampled_from([*filter(words, ERRORS), "SLOW", "o*", "time", "timeout"]),
    "has": st.sampled_from(PARTS),
    "kind": st.sampled_from(KINDS),
    "tokens": st.sampled_from(["0", "1", "3", "4", "9", "1k", "1000", "1001", "2k", "1M"]),
}
_KEYS = st.sampled_from(["prompt", "tool", "tokens", "error"] * 3 + sorted(_VALUES))


@st.composite
def queries(draw: st.DrawFn, calls: list[Call]) -> list[Asked]:
    """Draw a query; its words are mostly such as stand in the calls, or nearly so."""
    query = []
    for key in draw(st.lists(_KEYS, min_size=1, max_size=3)):
        operator = draw(st.sampled_from(sorted(COMPARE))) if key == "tokens" else ":"
        value = draw(_VALUES[key] if key in _VALUES else _pieces(calls, key))
        query.append(Asked(key, value, operator, draw(st.booleans())))
    return query


@st.composite
def _pieces(draw: st.DrawFn, calls: list[Call], key: str) -> str:
    texts = [text for call in calls for text in _texts(call, key) if words(text)]
    if not texts or draw(st.integers(0, 4)) == 0:
        return draw(TEXTS.filter(words))
    there = words(draw(st.sampled_from(texts)))
    first = draw(st.integers(0, len(there) - 1))
    last = draw(st.integers(first, min(first + 2, len(there) - 1)))
    piece = draw(st.sampled_from([" ", "-", '" OR "'])).join(there[first : last + 1])
    return draw(
        st.sampled_from([piece, piece.upper(), f"{piece}*", f"{piece[:1]}*", f"{piece[:1]}"])
    )


def _texts(call: Call, key: str) -> Iterable[str]:
    """Return the texts of a call in which a key looks."""
    calls = " ".join(f"{name} {call.arguments}" for name in call.tools)
    return ["\n".join(call.prompts)] if key == "prompt" else [calls]


_kinds = st.sampled_from(["typed", "typed", *KINDS])
_tokens = st.tuples(*[st.sampled_from([0, 0, 1, 3, 1000])] * 4)
_MADE: st.SearchStrategy[list[dict[str, Any]]] = st.lists(
    st.fixed_dictionaries(
        {
            "at": st.sampled_from([0, 1, 2, 3, 3, 20, 200]),
            "initiator": st.sampled_from([ANA, BEN]),
            "session": st.sampled_from(["s0", "s1", "s2"]),
            "running": st.sampled_from([False] * 5 + [True]),
            "prompts": st.lists(TEXTS, max_size=2).map(tuple),
            "prompt_kinds": st.lists(_kinds, max_size=2).map(tuple),
            "kind": st.sampled_from(["typed", "typed", *KINDS]),
            "unread": st.booleans(),
            "token_metadata": st.sampled_from([{}, {"estimated": True}]),
            "tools": st.lists(st.sampled_from(["bash", "read"]), max_size=2).map(tuple),
            "arguments": TEXTS.filter(lambda text: "\\" not in text),
            "thoughts": st.sampled_from([(), (), ("Hm.",)]),
            "tokens": st.lists(_tokens, max_size=2).map(tuple),
            "columns": st.fixed_dictionaries(
                {
                    "model": st.sampled_from(["opus", "sonnet"]),
                    "client": st.sampled_from([None, "Codex", "Zed"]),
                    "provider": st.sampled_from(["anthropic", "openai"]),
                    "provider_name": st.sampled_from(["claude", "spare"]),
                    "error_type": st.sampled_from(["", "", "timeout", "overloaded"]),
                    "error_message": st.sampled_from(ERRORS),
                }
            ),
        }
    ),
    min_size=1,
    max_size=6,
)
CALLS = _MADE.map(lambda made: [Call(number, **values) for number, values in enumerate(made)])


def tokens(calls: Iterable[Call]) -> int:
    return sum(count for call in calls for usage in call.tokens for count in usage)


def matching(calls: list[Call], query: list[Asked]) -> list[Call]:
    """Return the interceptions that a query finds."""
    said, counted = _apart(query)
    ended = [call for call in calls if not call.running]
    return [call for call in ended if _is(call, said) and _within(tokens([call]), counted)]


def matching_sessions(calls: list[Call], query: list[Asked]) -> list[tuple[int, str, str]]:
    """Return the sessions that a query finds, by the order of the list, and by which they are.

    Those found by words stand where the newest of what matches does.
    """
    said, counted = _apart(query)
    members: dict[tuple[str, str], list[Call]] = {}
    for call in calls:
        if not call.running:
            members.setdefault((call.session_id, call.initiator), []).append(call)
    by_words = any(term.key in {"prompt", "tool", "error"} for term in said)
    found = []
    for key, mine in members.items():
        matches = [call.started_at for call in mine if _is(call, said)]
        if matches and _within(tokens(mine), counted):
            found.append((max(matches) if by_words else _active(mine), *key))
    return found


def _apart(query: list[Asked]) -> tuple[list[Asked], list[Asked]]:
    said = [term for term in query if term.operator == ":"]
    return said, [term for term in query if term.operator != ":"]


def _within(number: int, counted: list[Asked]) -> bool:
    return all(
        COMPARE[term.operator](number, _number(term.value)) != term.excluded for term in counted
    )


def _number(text: str) -> int:
    unit = text.lstrip("0123456789")
    return int(text.removesuffix(unit)) * SIZES[unit]


def _is(call: Call, said: list[Asked]) -> bool:
    wanted: dict[str, bool] = {}
    for term in said:
        holds = _holds(call, term.key, term.value)
        if term.excluded and holds:
            return False
        if not term.excluded:
            wanted[term.key] = wanted.get(term.key, False) or holds
    return all(wanted.values())


def _holds(call: Call, key: str, value: str) -> bool:
    row = call.row()
    rules: dict[str, Callable[[], bool]] = {
        "initiator": lambda: USERS[value] == call.initiator,
        "client": lambda: (row["client"] or "Unknown") == value,
        "started_after": lambda: call.started_at >= TIMES[value],
        "started_before": lambda: call.started_at <= TIMES[value],
        "prompt": lambda: any(stands_in(value, text) for text in _texts(call, "prompt")),
        "tool": lambda: any(stands_in(value, text) for text in _texts(call, "tool")),
        "error": lambda: stands_in(value, f"{row['error_type']} {row['error_message']}"),
        "has": lambda: _has(call, row)[value],
        "kind": lambda: value in _kinds_of(call),
    }
    return rules.get(key, lambda: bool(row[key] == value))()


def _has(call: Call, row: dict[str, str]) -> dict[str, bool]:
    return {
        "error": bool(row["error_type"] or row["error_message"]),
        "estimated": call.is_estimated,
        "prompt": "typed" in call.kinds(),
        "thinking": bool(call.thoughts),
        "tool": bool(call.tools),
        "unread": call.unread,
    }


def _kinds_of(call: Call) -> set[str]:
    """Return the kinds of a call: those of its prompts, and its own where it is no person's."""
    return {*call.kinds()} | ({call.kind} - {"typed"})


def _active(calls: list[Call]) -> int:
    """Return when a session was last active: at its last typed prompt, else at its start."""
    prompted = [call.started_at for call in calls if call.typed()]
    return max(prompted, default=min(call.started_at for call in calls))
