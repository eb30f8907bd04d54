"""What ``q`` asks for in each list; the texts are those of the contract (section 2)."""

import re
from collections.abc import Iterable, Mapping

from aibridge.api.parameters import parse_time
from aibridge.api.query import Search
from aibridge.identity.people import Person
from aibridge.search import Term
from aibridge.sessions import reading
from aibridge.store.database import Database
from aibridge.store.filters import PARTS, Filter, Span, Values
from aibridge.store.texts import has_word

ME = "me"
"""How the caller is named where a user is asked for; nobody can have it as a username."""

MAX_NUMBER = 1 << 53
"""The largest number that can be compared with: beyond it not every client's are exact."""

_TEXTS = ("provider", "provider_name", "model", "client", "session_id", "error")
_WORDS = ("prompt", "tool")
_KEYS = ("initiator", *_TEXTS, *_WORDS, "has", "started_after", "started_before")
_COMPARED = ("tokens",)

_NUMBER = re.compile(r"([0-9]{1,16})([kM]?)")
_FACTORS = {"": 1, "k": 1000, "M": 1_000_000}
_TIME = "must be a valid date format (2006-01-02T15:04:05.999999999Z07:00)"
_NOT_AFTER = '"started_before" must be after "started_after" if set'


def search_interceptions(database: Database, caller: Person, text: str) -> Filter:
    """Return which interceptions ``q`` asks for; a bare text is the initiator.

    Raises `ApiError` 400 with every complaint about ``q``.
    """
    search = Search(text, _KEYS, compared=_COMPARED, bare="initiator")
    where = _filter(search, database, caller)
    search.check("Invalid interceptions search query.")
    return where


def search_sessions(database: Database, caller: Person, text: str) -> Filter:
    """Return which sessions ``q`` asks for: those with an interception like that.

    Raises `ApiError` 400 with every complaint about ``q``.
    """
    search = Search(text, _KEYS, compared=_COMPARED)
    where = _filter(search, database, caller)
    search.check("Invalid session search query.")
    return where


def search_names(key: str, text: str) -> Values:
    """Return which beginnings of models or clients ``q`` asks for, bare or with the ``key``.

    Raises `ApiError` 400 with every complaint about ``q``.
    """
    search = Search(text, (key,), bare=key)
    search.check(f"Invalid AI Gateway {key}s search query.")
    return search.values(key)


def _filter(search: Search, database: Database, caller: Person) -> Filter:
    started_after, started_before = _bounds(search)
    _check_words(search)
    _check_parts(search)
    return Filter(
        initiator_id=_initiators(search, database, caller),
        started_after=started_after,
        started_before=started_before,
        tokens=_tokens(search),
        **{key: search.values(key) for key in (*_TEXTS, *_WORDS, "has")},
    )


def _initiators(search: Search, database: Database, caller: Person) -> Values:
    """Return the ids of the users that are named. Who may not read others learns of none."""
    asked: dict[str, Term] = {}
    for term in search.of("initiator"):
        asked.setdefault(term.value, term)
    mine = {ME, caller.user_id, caller.username.lower()}
    known = {name: caller.user_id for name in asked if name.lower() in mine}
    others = [name for name in asked if name not in known]
    if caller.role.reads_all and others:
        known |= reading.find_initiators(database, others)
    for name in others:
        if name not in known:
            user = f'user "{name}" either does not exist, or you are unauthorized to view them'
            search.refuse(asked[name], user)
    names = search.values("initiator")
    return Values(_ids(known, names.any_of), _ids(known, names.none_of))


def _ids(known: Mapping[str, str], names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(known[name] for name in names if name in known))


def _check_words(search: Search) -> None:
    for key in _WORDS:
        for term in search.of(key):
            if not has_word(term.value):
                search.refuse(term, "there is no letter and no digit in it")


def _check_parts(search: Search) -> None:
    for term in search.of("has"):
        if term.value not in PARTS:
            search.refuse(term, f'"{term.value}" is none of {", ".join(PARTS)}')


def _tokens(search: Search) -> Span:
    """Return the span in which the tokens are to be; every comparison narrows it."""
    least: list[int] = []
    most: list[int] = []
    for term in search.comparisons("tokens"):
        number = _number(term.value)
        if number is None:
            example = f'"{term.value}" is none; 1000, 100k and 2M are'
            search.complain(term, f'Query param "tokens" must be a valid integer ({example})')
        elif (">" in term.operator) != term.excluded:
            least.append(number + (term.operator in {">", "<="}))
        else:
            most.append(number - (term.operator in {"<", ">="}))
    return Span(max(least, default=None), min(most, default=None))


def _number(text: str) -> int | None:
    """Return the whole number that a text is, at most `MAX_NUMBER`, ``None`` if it is none."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    number = int(found[1]) * _FACTORS[found[2]]
    return number if number <= MAX_NUMBER else None


def _bounds(search: Search) -> tuple[int | None, int | None]:
    """Return the first and the last microsecond asked for; of several times the widest counts."""
    after, not_after = _times(search, "started_after")
    before, not_before = _times(search, "started_before")
    if after and before and max(before) <= min(after):
        search.refuse(before[max(before)], _NOT_AFTER)
    first = [_ceil(moment) for moment in sorted(after)[:1]]
    first += [moment // 1000 + 1 for moment in not_before]
    last = [moment // 1000 for moment in sorted(before)[-1:]]
    last += [_ceil(moment) - 1 for moment in not_after]
    return max(first, default=None), min(last, default=None)


_Times = dict[int, Term]


def _times(search: Search, key: str) -> tuple[_Times, _Times]:
    """Return the times that are asked of a key and those excluded, in nanoseconds."""
    asked: _Times = {}
    excluded: _Times = {}
    for term in search.of(key):
        try:
            (excluded if term.excluded else asked).setdefault(parse_time(term.value), term)
        except ValueError as error:
            search.complain(term, f'Query param "{key}" {_TIME}: {error}')
    return asked, excluded


def _ceil(nanoseconds: int) -> int:
    """Return the first microsecond that is not earlier."""
    return -(-nanoseconds // 1000)
