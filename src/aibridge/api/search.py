"""What ``q`` asks for in each list; the texts are those of the contract (section 2)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import astuple
from itertools import chain
from uuid import UUID

from aibridge.api.access import Visitor
from aibridge.api.query import Search
from aibridge.identity.rights import Reach, Right
from aibridge.providers.types import speaking
from aibridge.search import Term
from aibridge.sessions import reading
from aibridge.store.engine.database import Database
from aibridge.store.lists.filters import KINDS, PARTS, Filter, Span, Values
from aibridge.store.search.texts import has_word

ME = "me"
"""How the caller is named where a user is asked for; nobody can have it as a username."""

MAX_NUMBER = 1 << 53
"""The largest number that can be compared with: beyond it not every client's are exact."""

_TEXTS = ("provider_name", "model", "client", "session_id")
_WORDS = ("prompt", "tool", "error")
_VALUED = (
    *("initiator", "provider", *_TEXTS, *_WORDS),
    *("has", "kind", "started_after", "started_before"),
)
_COMPARED = ("tokens",)
KEYS = (*_VALUED, *_COMPARED)
"""What ``q`` may ask for in the lists of interceptions and of sessions."""

_NUMBER = re.compile(r"([0-9]{1,16})([kM]?)")
_FACTORS = {"": 1, "k": 1000, "M": 1_000_000}


def search_interceptions(database: Database, caller: Visitor, text: str) -> Filter:
    """Return which interceptions ``q`` asks for; a bare text is the initiator.

    Raises `ApiError` 400 with every complaint about ``q``.
    """
    search = Search(text, _VALUED, compared=_COMPARED, bare="initiator")
    where = _filter(search, database, caller)
    search.check("Invalid interceptions search query.")
    return where


def search_sessions(database: Database, caller: Visitor, text: str) -> Filter:
    """Return which sessions ``q`` asks for: those with an interception like that.

    Raises `ApiError` 400 with every complaint about ``q``.
    """
    search = Search(text, _VALUED, compared=_COMPARED)
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


def _filter(search: Search, database: Database, caller: Visitor) -> Filter:
    started_after, started_before = search.bounds("started_after", "started_before")
    _check_words(search)
    return Filter(
        initiator_id=_initiators(search, database, caller),
        provider=_providers(search.values("provider")),
        started_after=started_after,
        started_before=started_before,
        visible_to=visible_to(caller),
        has=search.one_of("has", PARTS),
        kind=search.one_of("kind", KINDS),
        tokens=_tokens(search),
        **{key: search.values(key) for key in (*_TEXTS, *_WORDS)},
    )


def visible_to(caller: Visitor) -> str | None:
    """Return whose records somebody may see who may not see everybody's, `None` for everybody's."""
    return None if caller.reach(Right.READ_RECORD) is Reach.ALL else caller.person.user_id


def _providers(wires: Values) -> Values:
    """Return which types of providers are meant: all that speak one's API, as the record shows."""
    any_of, none_of = (chain.from_iterable(map(speaking, one)) for one in astuple(wires))
    return Values(tuple(any_of), tuple(none_of))


def _initiators(search: Search, database: Database, caller: Visitor) -> Values:
    """Return the ids of the users that are named. Who may not read others learns of none.

    An id is taken as it is, also of a user who was deleted or never was.
    """
    asked: dict[str, Term] = {}
    for term in search.of("initiator"):
        asked.setdefault(term.value, term)
    me = caller.person
    mine = {ME, me.user_id, me.username.lower()}
    known = {name: id_ for name in asked if (id_ := _user_id(name))}
    known |= {name: me.user_id for name in asked if name.lower() in mine}
    others = [name for name in asked if name not in known]
    if caller.reach(Right.READ_RECORD) is Reach.ALL and others:
        known |= reading.find_initiators(database, others)
    for name in others:
        if name not in known:
            user = f'user "{name}" either does not exist, or you are unauthorized to view them'
            search.refuse(asked[name], user)
    names = search.values("initiator")
    return Values(_ids(known, names.any_of), _ids(known, names.none_of))


def _user_id(name: str) -> str | None:
    try:
        return str(UUID(name))
    except ValueError:
        return None


def _ids(known: Mapping[str, str], names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(known[name] for name in names if name in known))


def _check_words(search: Search) -> None:
    for key in _WORDS:
        for term in search.of(key):
            if not has_word(term.value):
                search.refuse(term, "there is no letter and no digit in it")


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
