"""What ``q`` asks for in each list; the texts are those of the contract (section 2)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from aibridge.api.access import Visitor
from aibridge.api.errors import ApiError
from aibridge.api.parameters import parse_time
from aibridge.contract import Validation
from aibridge.identity.rights import Reach, Right
from aibridge.search import Query, SearchError, parse
from aibridge.sessions import reading
from aibridge.store.database import Database
from aibridge.store.filters import Filter, Values

ME = "me"
"""How the caller is named where a user is asked for; nobody can have it as a username."""

_TEXTS = ("provider", "provider_name", "model", "client", "session_id")
KEYS = ("initiator", *_TEXTS, "started_after", "started_before")

_TIME = "must be a valid date format (2006-01-02T15:04:05.999999999Z07:00)"
_NOT_AFTER = 'Query param "{before}" has invalid value: "{before}" must be after "{after}" if set'


def search_interceptions(database: Database, caller: Visitor, text: str) -> Filter:
    """Return which interceptions ``q`` asks for; a bare text is the initiator.

    Raises `ApiError` 400 with every complaint about ``q``.
    """
    search = Search(text, KEYS)
    search.bare("initiator")
    where = _filter(search, database, caller)
    search.check("Invalid interceptions search query.")
    return where


def search_sessions(database: Database, caller: Visitor, text: str) -> Filter:
    """Return which sessions ``q`` asks for: those with an interception like that.

    Raises `ApiError` 400 with every complaint about ``q``.
    """
    search = Search(text, KEYS)
    search.no_bare()
    where = _filter(search, database, caller)
    search.check("Invalid session search query.")
    return where


def search_names(key: str, text: str) -> Values:
    """Return which beginnings of models or clients ``q`` asks for, bare or with the ``key``.

    Raises `ApiError` 400 with every complaint about ``q``.
    """
    search = Search(text, (key,))
    search.bare(key)
    search.check(f"Invalid AI Gateway {key}s search query.")
    return search.values(key)


class Search:
    """A query that is being understood. Complaints are collected, so one answer has them all."""

    def __init__(self, text: str, keys: Iterable[str]) -> None:
        self._complaints: list[Validation] = []
        self._query = self._parse(text)
        self._bare_key = ""
        for key in dict.fromkeys((*self._query.terms, *self._query.excluded)):
            if key not in keys:
                self.complain(key, f'Query param "{key}" is not a valid query param')

    def _parse(self, text: str) -> Query:
        try:
            return parse(text)
        except SearchError as error:
            for complaint in error.complaints:
                self.complain(complaint.field, complaint.detail)
            return error.rest

    def bare(self, key: str) -> None:
        """Take the bare text as one more value of ``key``."""
        self._bare_key = key

    def no_bare(self) -> None:
        """Complain of a bare text."""
        if self._query.text:
            self.complain("q", "no search key specified")

    def values(self, key: str) -> Values:
        """Return what is asked of a key."""
        values = self._query.terms.get(key, ())
        if key == self._bare_key and self._query.text:
            values = tuple(dict.fromkeys((*values, self._query.text)))
        return Values(values, self._query.excluded.get(key, ()))

    def times(self, key: str) -> tuple[list[int], list[int]]:
        """Return the times that are asked of a key and those excluded, in nanoseconds."""
        values = self.values(key)
        return list(self._times(key, values.any_of)), list(self._times(key, values.none_of))

    def _times(self, key: str, texts: Iterable[str]) -> Iterator[int]:
        for text in texts:
            try:
                yield parse_time(text)
            except ValueError as error:
                self.complain(key, f'Query param "{key}" {_TIME}: {error}')

    def one_of(self, key: str, known: Sequence[str]) -> Values:
        """Return what is asked of a key that has just these values."""
        values = self.values(key)
        for value in dict.fromkeys((*values.any_of, *values.none_of)):
            if value not in known:
                choice = ", ".join(known)
                self.complain(key, f'Query param "{key}" has invalid value: use one of {choice}')
        return values

    def bounds(self, after_key: str, before_key: str) -> tuple[int | None, int | None]:
        """Return the first and the last microsecond asked for; of several the widest counts."""
        after, not_after = self.times(after_key)
        before, not_before = self.times(before_key)
        if after and before and max(before) <= min(after):
            self.complain(before_key, _NOT_AFTER.format(after=after_key, before=before_key))
        first = [_ceil(moment) for moment in sorted(after)[:1]]
        first += [moment // 1000 + 1 for moment in not_before]
        last = [moment // 1000 for moment in sorted(before)[-1:]]
        last += [_ceil(moment) - 1 for moment in not_after]
        return max(first, default=None), min(last, default=None)

    def complain(self, key: str, detail: str) -> None:
        """Remember what is wrong with a key."""
        self._complaints.append(Validation(field=key, detail=detail))

    def check(self, refusal: str) -> None:
        """Refuse the request when there were complaints."""
        if self._complaints:
            raise ApiError(400, refusal, validations=self._complaints)


def _filter(search: Search, database: Database, caller: Visitor) -> Filter:
    started_after, started_before = search.bounds("started_after", "started_before")
    return Filter(
        initiator_id=_initiators(search, database, caller),
        started_after=started_after,
        started_before=started_before,
        visible_to=visible_to(caller),
        **{key: search.values(key) for key in _TEXTS},
    )


def visible_to(caller: Visitor) -> str | None:
    """Return whose records somebody may see who may not see everybody's, `None` for everybody's."""
    return None if caller.reach(Right.READ_RECORD) is Reach.ALL else caller.person.user_id


def _initiators(search: Search, database: Database, caller: Visitor) -> Values:
    """Return the ids of the users that are named. Who may not read others learns of none."""
    names = search.values("initiator")
    asked = dict.fromkeys((*names.any_of, *names.none_of))
    me = caller.person
    mine = {ME, me.user_id, me.username.lower()}
    known = {name: me.user_id for name in asked if name.lower() in mine}
    others = [name for name in asked if name not in known]
    if caller.reach(Right.READ_RECORD) is Reach.ALL and others:
        known |= reading.find_initiators(database, others)
    for name in others:
        if name not in known:
            user = f'user "{name}" either does not exist, or you are unauthorized to view them'
            search.complain("initiator", f'Query param "initiator" has invalid value: {user}')
    return Values(_ids(known, names.any_of), _ids(known, names.none_of))


def _ids(known: Mapping[str, str], names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(known[name] for name in names if name in known))


def _ceil(nanoseconds: int) -> int:
    """Return the first microsecond that is not earlier."""
    return -(-nanoseconds // 1000)
