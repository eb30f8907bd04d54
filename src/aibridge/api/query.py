"""A query ``q`` that is being understood: its terms by key, and all that is wrong with them."""

from collections.abc import Collection, Iterator
from dataclasses import replace

from aibridge.api.errors import ApiError
from aibridge.api.parameters import parse_time
from aibridge.contract import Validation
from aibridge.moments import is_date, parse_day
from aibridge.search import Complaint, Query, SearchError, Term, parse
from aibridge.store.lists.filters import Values

_SECOND = 1_000_000_000
BAD_TIME = "must be a valid date format (2006-01-02T15:04:05.999999999Z07:00)"
"""How a time that cannot be read is refused, in the words of the contract."""

_Times = dict[int, Term]


class Search:
    """Reads a query. Complaints are collected, so that one answer has them all.

    ``keys`` are those that take values, ``compared`` those that take comparisons, and ``bare``
    is the key of which a bare text is one more value; without it there may be none.
    """

    def __init__(
        self, text: str, keys: Collection[str], *, compared: Collection[str] = (), bare: str = ""
    ) -> None:
        self._complaints: list[Complaint] = []
        self._query = self._named(self._parse(text), bare)
        for key, term in self._query.keys().items():
            if key not in keys and key not in compared:
                self.complain(term, f'Query param "{key}" is not a valid query param')
        self._check_operators(keys, compared)

    def _parse(self, text: str) -> Query:
        try:
            return parse(text)
        except SearchError as error:
            self._complaints += error.complaints
            return error.rest

    def _named(self, query: Query, key: str) -> Query:
        """Return the query with its bare text as a term of ``key``."""
        if query.bare is None:
            return query
        if key:
            return Query((*query.terms, replace(query.bare, key=key, operator=":")))
        self._complaints.append(Complaint("q", "no search key specified", query.bare.position))
        return Query(query.terms)

    def _check_operators(self, keys: Collection[str], compared: Collection[str]) -> None:
        for key in keys:
            for term in self._query.of(key):
                if term.operator != ":":
                    self.refuse(term, f"it cannot be compared; write {key}:VALUE")
        for key in compared:
            for term in self._query.of(key):
                if term.operator == ":":
                    ways = ", ".join(f"{key}{operator}1000" for operator in (">", ">=", "<", "<="))
                    self.refuse(term, f"it can only be compared; write one of {ways}")

    def of(self, key: str) -> Iterator[Term]:
        """Yield the terms of a key that takes values."""
        return (term for term in self._query.of(key) if term.operator == ":")

    def comparisons(self, key: str) -> Iterator[Term]:
        """Yield the terms of a key that takes comparisons."""
        return (term for term in self._query.of(key) if term.operator != ":")

    def values(self, key: str) -> Values:
        """Return which values are asked for and which are not to be."""
        terms = tuple(self.of(key))
        return Values(
            tuple(term.value for term in terms if not term.excluded),
            tuple(term.value for term in terms if term.excluded),
        )

    def one_of(self, key: str, known: Collection[str]) -> Values:
        """Return which values are asked for of a key that has only these, all in lower case."""
        for term in self.of(key):
            if term.value.lower() not in known:
                self.refuse(term, f'"{term.value}" is none of {", ".join(known)}')
        asked = self.values(key)
        return Values(*(tuple(map(str.lower, one)) for one in (asked.any_of, asked.none_of)))

    def bounds(
        self, after_key: str, before_key: str, *, days: bool = False
    ) -> tuple[int | None, int | None]:
        """Return the first and the last microsecond asked for; of several the widest counts.

        With ``days`` a date by itself is the whole of that day also where it is the last.
        """
        after, not_after = self._times(after_key)
        before, not_before = self._times(before_key, end_of_day=days)
        if after and before and max(before) <= min(after):
            why = f'"{before_key}" must be after "{after_key}" if set'
            self.refuse(before[max(before)], why)
        first = [_ceil(moment) for moment in sorted(after)[:1]]
        first += [moment // 1000 + 1 for moment in not_before]
        last = [moment // 1000 for moment in sorted(before)[-1:]]
        last += [_ceil(moment) - 1 for moment in not_after]
        return max(first, default=None), min(last, default=None)

    def _times(self, key: str, *, end_of_day: bool = False) -> tuple[_Times, _Times]:
        """Return the times that are asked of a key and those excluded, in nanoseconds."""
        asked: _Times = {}
        excluded: _Times = {}
        for term in self.of(key):
            try:
                time = nanoseconds(term.value, end_of_day=end_of_day)
                (excluded if term.excluded else asked).setdefault(time, term)
            except ValueError as error:
                self.complain(term, f'Query param "{key}" {BAD_TIME}: {error}')
        return asked, excluded

    def complain(self, term: Term, detail: str) -> None:
        """Remember what is wrong with a term."""
        self._complaints.append(Complaint(term.key, detail, term.position))

    def refuse(self, term: Term, why: str) -> None:
        """Remember why a term's value will not do."""
        self.complain(term, f'Query param "{term.key}" has invalid value: {why}')

    def check(self, refusal: str) -> None:
        """Refuse the request when there were complaints, which are told in their order in ``q``."""
        if self._complaints:
            ordered = sorted(self._complaints, key=lambda complaint: complaint.position)
            told = [Validation(field=one.field, detail=str(one)) for one in ordered]
            raise ApiError(400, refusal, validations=told)


def nanoseconds(text: str, *, end_of_day: bool = False) -> int:
    """Return the nanoseconds since 1970 of a time, a date or how long ago. Raises `ValueError`.

    A date is the first moment of its day in UTC, or the last.
    """
    day = parse_day(text)
    if day is None:
        return parse_time(text)
    is_last = end_of_day and is_date(text)
    return int(day.timestamp()) * _SECOND + (86_400 * _SECOND - 1 if is_last else 0)


def _ceil(nanoseconds: int) -> int:
    """Return the first microsecond that is not earlier."""
    return -(-nanoseconds // 1000)
