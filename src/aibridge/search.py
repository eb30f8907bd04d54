r"""The search language of ``q``: ``key:value``, ``key>5``, ``-`` before either for not, bare text.

White space separates elements, but not inside double quotes; inside these stand the escapes of
Go's ``%q``, with which clients quote values: ``\a \b \f \n \r \t \v \\ \" \xNN \uNNNN
\UNNNNNNNN``. Which keys there are, what their values may be, and which of them can be compared,
is for the caller to say.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

MAX_LENGTH = 8192
"""Characters of a query that are read at most: it comes in a URL, from anybody."""

MAX_ELEMENTS = 200
"""Elements of a query that are read at most: each is work for the database."""

_PIECE = re.compile(
    r"""
    (?P<gap>\s+)
    | (?P<quoted> "(?: [^"\\] | \\. )*" )
    | (?P<unterminated> ".* )
    | (?P<colon> : )
    | (?P<plain> [^\s":]+ )
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(
    r"""
    \\ (?: (?P<letter> [abfnrtv\\"] )
         | x (?P<byte> [0-9a-fA-F]{2} )
         | u (?P<short> [0-9a-fA-F]{4} )
         | U (?P<long> [0-9a-fA-F]{8} )
         | (?P<unknown> . ) )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMPARISON = re.compile(r"(-?)([A-Za-z_]+)(>=|<=|>|<)(.*)", re.DOTALL)
_LETTERS = dict(zip('abfnrtv\\"', '\a\b\f\n\r\t\v\\"', strict=True))

_Piece = re.Match[str]


@dataclass(frozen=True, slots=True)
class Term:
    """What is asked of a key, in lower case; ``position`` is where in the query, from 1.

    ``operator`` is ``:`` or one of ``> >= < <=``, and ``excluded`` whether a ``-`` turns it into
    its opposite. A bare text has neither key nor operator.
    """

    key: str
    value: str
    position: int
    operator: str = ":"
    excluded: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A query that was read: its terms in their order, and its bare text if it has any.

    The bare text is all words without a key, with single spaces between them, at the position
    of the first.
    """

    terms: tuple[Term, ...] = ()
    bare: Term | None = None

    def keys(self) -> Mapping[str, Term]:
        """Return the keys that are asked for, each with its first term."""
        return {term.key: term for term in reversed(self.terms)}

    def of(self, key: str) -> tuple[Term, ...]:
        """Return the terms of a key in their order; of several that say the same the first."""
        found: dict[tuple[str, str, bool], Term] = {}
        for term in self.terms:
            if term.key == key:
                found.setdefault((term.operator, term.value, term.excluded), term)
        return tuple(found.values())


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with a query: its key (``q`` if there is none) and position, from 1."""

    field: str
    detail: str
    position: int

    def __str__(self) -> str:
        return f"{self.detail} (position {self.position})"


class SearchError(ValueError):
    """A query that cannot be read: all that is wrong with it, and the rest that could be read."""

    def __init__(self, complaints: Iterable[Complaint], rest: Query) -> None:
        self.complaints = tuple(complaints)
        self.rest = rest
        super().__init__("; ".join(map(str, self.complaints)))


def parse(text: str) -> Query:
    """Read a query. Raises `SearchError`, and nothing else, whatever the text."""
    if len(text) > MAX_LENGTH:
        raise _too_much(f"is longer than {MAX_LENGTH} characters", MAX_LENGTH)
    reader = _Reader()
    for number, element in enumerate(_elements(text)):
        if number == MAX_ELEMENTS:
            raise _too_much(f"has more than {MAX_ELEMENTS} elements", element[0].start())
        reader.read(element)
    if reader.complaints:
        raise SearchError(reader.complaints, reader.query())
    return reader.query()


def _too_much(what: str, at: int) -> SearchError:
    detail = f'Query param "q" has invalid value: it {what}'
    return SearchError([Complaint("q", detail, at + 1)], Query())


def _elements(text: str) -> Iterator[Sequence[_Piece]]:
    """Yield the pieces of each element; together the patterns match any text without a gap."""
    pieces = _PIECE.finditer(text)
    for is_gap, element in groupby(pieces, lambda piece: piece.lastgroup == "gap"):
        if not is_gap:
            yield list(element)


class _Reader:
    """Reads one element after the other, and goes on after one that is wrong."""

    def __init__(self) -> None:
        self.complaints: list[Complaint] = []
        self._terms: list[Term] = []
        self._words: list[Term] = []

    def query(self) -> Query:
        """Return what has been read so far."""
        text = " ".join(word.value for word in self._words)
        bare = Term("", text, self._words[0].position, operator="") if self._words else None
        return Query(tuple(self._terms), bare)

    def read(self, element: Sequence[_Piece]) -> None:
        colons = [at for at, piece in enumerate(element) if piece.lastgroup == "colon"]
        if not colons:
            self._read_word(element)
        elif element[-1].lastgroup == "unterminated":
            self._read_term(element, colons[0])
        elif colons[-1] == len(element) - 1 or not _names_a_key(element[: colons[0]]):
            self._complain(element, "cannot start or end with ':'")
        elif len(colons) > 1:
            self._complain(element, "can only contain 1 ':'")
        else:
            self._read_term(element, colons[0])

    def _complain(self, element: Sequence[_Piece], what: str) -> None:
        start, end = element[0].start(), element[-1].end()
        detail = f'Query element "{element[0].string[start:end]}" {what}'
        self.complaints.append(Complaint("q", detail, start + 1))

    def _read_word(self, element: Sequence[_Piece]) -> None:
        compared = _COMPARISON.fullmatch(element[0][0])
        if element[0].lastgroup == "plain" and compared:
            self._read_comparison(element, compared)
            return
        word = self._text(element, "q")
        if word:
            self._words.append(Term("", word, _position(element), operator=""))

    def _read_comparison(self, element: Sequence[_Piece], compared: re.Match[str]) -> None:
        minus, name, operator, begun = compared.groups()
        rest = self._text(element[1:], name.lower())
        if rest is not None:
            self._add(element, name, begun + rest, operator, excluded=bool(minus))

    def _read_term(self, element: Sequence[_Piece], colon: int) -> None:
        key = self._text(element[:colon], "q")
        if key is None:
            return
        negated = _is_negated(element)
        key = key[negated:]
        value = self._text(element[colon + 1 :], key.lower() or "q")
        if value is not None:
            self._add(element, key, value, ":", excluded=negated)

    def _add(
        self, element: Sequence[_Piece], key: str, value: str, operator: str, *, excluded: bool
    ) -> None:
        self._terms.append(Term(key.lower(), value, _position(element), operator, excluded))

    def _text(self, pieces: Sequence[_Piece], field: str) -> str | None:
        """Return what pieces say, ``None`` after a complaint about one."""
        before = len(self.complaints)
        text = "".join([self._piece_text(piece, field) for piece in pieces])
        return text if len(self.complaints) == before else None

    def _piece_text(self, piece: _Piece, field: str) -> str:
        if piece.lastgroup == "unterminated":
            self._complain_of_quote(piece.start(), field, "an unterminated quote")
        if piece.lastgroup != "quoted":
            return piece[0]
        for escape in _ESCAPE.finditer(piece.string, piece.start() + 1, piece.end() - 1):
            if _meaning(escape) is None:
                self._complain_of_quote(escape.start(), field, f'an invalid escape "{escape[0]}"')
        return _unquoted(piece[0][1:-1])

    def _complain_of_quote(self, at: int, field: str, what: str) -> None:
        detail = f'Query param "{field}" has {what}'
        self.complaints.append(Complaint(field, detail, at + 1))


def _position(element: Sequence[_Piece]) -> int:
    return element[0].start() + 1


def _is_negated(element: Sequence[_Piece]) -> bool:
    return element[0].lastgroup == "plain" and element[0][0].startswith("-")


def _names_a_key(pieces: Sequence[_Piece]) -> bool:
    return bool(pieces) and not (len(pieces) == 1 and pieces[0][0] == "-")


def _unquoted(text: str) -> str:
    r"""Return what stands between quotes, in which ``\xNN`` is a byte of UTF-8, as Go has it."""
    found, end = bytearray(), 0
    for escape in _ESCAPE.finditer(text):
        found += text[end : escape.start()].encode(errors="replace") + (_meaning(escape) or b"")
        end = escape.end()
    found += text[end:].encode(errors="replace")
    return found.decode(errors="replace")


def _meaning(escape: re.Match[str]) -> bytes | None:
    """Return the bytes that an escape stands for, ``None`` if it is none of Go's."""
    if escape["letter"]:
        return _LETTERS[escape["letter"]].encode()
    if escape["byte"]:
        return bytes.fromhex(escape["byte"])
    try:
        return chr(int(escape["short"] or escape["long"] or "", 16)).encode()
    except (ValueError, OverflowError):  # an unknown letter, a surrogate, or beyond Unicode
        return None
