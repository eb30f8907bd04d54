import ast
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aibridge import search
from aibridge.search import MAX_ELEMENTS, MAX_LENGTH, Query, SearchError, Term, parse

SHORT = {"\a": "a", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t", "\v": "v"}
ELEMENT_ENDS = "cannot start or end with ':'"
TWO_COLONS = "can only contain 1 ':'"


def go_quote(text: str) -> str:
    """Quote a text as Go's ``%q`` does."""
    return '"' + "".join(map(go_escape, text)) + '"'


def go_escape(character: str) -> str:
    number = ord(character)
    if character in {'"', "\\"}:
        return f"\\{character}"
    if character.isprintable():
        return character
    if character in SHORT:
        return f"\\{SHORT[character]}"
    if number < 0x80:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


Values = dict[str, tuple[str, ...]]


def by_key(query: Query) -> tuple[Values, Values, str]:
    """Return the values asked for and those excluded by key, and the bare text."""
    assert all(term.operator == ":" for term in query.terms)
    asked, excluded = (
        {
            key: values
            for key in [term.key for term in query.terms]
            if (values := tuple(t.value for t in query.of(key) if t.excluded == negated))
        }
        for negated in (False, True)
    )
    return asked, excluded, query.bare.value if query.bare else ""


def refusal(text: str) -> SearchError:
    with pytest.raises(SearchError) as caught:
        parse(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "terms", "excluded", "words"),
    [
        ("", {}, {}, ""),
        (" \t\n\u00a0", {}, {}, ""),
        ("ana", {}, {}, "ana"),
        ("  ana\t ben\n", {}, {}, "ana ben"),
        ('"ana  b"', {}, {}, "ana  b"),
        ('""', {}, {}, ""),
        ("-ana", {}, {}, "-ana"),
        ("-", {}, {}, "-"),
        ("a model:x b", {"model": ("x",)}, {}, "a b"),
        ("MODEL:GPT", {"model": ("GPT",)}, {}, ""),
        ("model:x\tclient:y", {"model": ("x",), "client": ("y",)}, {}, ""),
        ("model:x model:y Model:x", {"model": ("x", "y")}, {}, ""),
        ("-model:x", {}, {"model": ("x",)}, ""),
        ("model:x -MODEL:y -model:z", {"model": ("x",)}, {"model": ("y", "z")}, ""),
        ("model:-x", {"model": ("-x",)}, {}, ""),
        ('-"model":x', {}, {"model": ("x",)}, ""),
        ('"-model":x', {"-model": ("x",)}, {}, ""),
        ("--model:x", {}, {"-model": ("x",)}, ""),
        ('model:""', {"model": ("",)}, {}, ""),
        ('"":x', {"": ("x",)}, {}, ""),
        ('client:"Claude Code"', {"client": ("Claude Code",)}, {}, ""),
        ('"client":Codex', {"client": ("Codex",)}, {}, ""),
        ('client:"Claude"\' \'"Code"', {"client": ("Claude'",)}, {}, "'Code"),
        ('client:Claude" "Code', {"client": ("Claude Code",)}, {}, ""),
        ('at:"2026-01-01T00:00:00Z"', {"at": ("2026-01-01T00:00:00Z",)}, {}, ""),
        ('"a:b"', {}, {}, "a:b"),
        ('"a:b":c', {"a:b": ("c",)}, {}, ""),
        (r"model:a\n", {"model": (r"a\n",)}, {}, ""),
        (r'model:"\a\b\f\n\r\t\v\\\""', {"model": ('\a\b\f\n\r\t\v\\"',)}, {}, ""),
        (r'model:"\x00\x41\u00e9\U0001f600"', {"model": ("\0Aé😀",)}, {}, ""),
        (r'model:"\xc3\xa9 \xff."', {"model": ("é \ufffd.",)}, {}, ""),
    ],
)
def test_a_query_is_read(text: str, terms: Values, excluded: Values, words: str) -> None:
    assert by_key(parse(text)) == (terms, excluded, words)


@pytest.mark.parametrize(
    ("text", "field", "detail", "position"),
    [
        (":", "q", f'Query element ":" {ELEMENT_ENDS}', 1),
        (":x", "q", f'Query element ":x" {ELEMENT_ENDS}', 1),
        (" model:", "q", f'Query element "model:" {ELEMENT_ENDS}', 2),
        ("a:b:", "q", f'Query element "a:b:" {ELEMENT_ENDS}', 1),
        ("-:x", "q", f'Query element "-:x" {ELEMENT_ENDS}', 1),
        ("a b:c:d", "q", f'Query element "b:c:d" {TWO_COLONS}', 3),
        ('a:"b":c', "q", f'Query element "a:"b":c" {TWO_COLONS}', 1),
        ('"ana', "q", 'Query param "q" has an unterminated quote', 1),
        ('Model:"a b', "model", 'Query param "model" has an unterminated quote', 7),
        ('model:"a\\"', "model", 'Query param "model" has an unterminated quote', 7),
        ('a:b:"c', "a", 'Query param "a" has an unterminated quote', 5),
        (':"c', "q", 'Query param "q" has an unterminated quote', 2),
        (r'm:"a\qb"', "m", r'Query param "m" has an invalid escape "\q"', 5),
        (r'm:"\x4"', "m", r'Query param "m" has an invalid escape "\x"', 4),
        (r'm:"\u004g"', "m", r'Query param "m" has an invalid escape "\u"', 4),
        (r'm:"\ud800"', "m", r'Query param "m" has an invalid escape "\ud800"', 4),
        (
            r'"\U00110000"',
            "q",
            r'Query param "q" has an invalid escape "\U00110000"',
            2,
        ),
        (r'"\ffffffff\q"', "q", r'Query param "q" has an invalid escape "\q"', 11),
        (r'"\n\'":x', "q", 'Query param "q" has an invalid escape "\\\'"', 4),
    ],
)
def test_what_is_wrong_is_named_with_its_place(
    text: str, field: str, detail: str, position: int
) -> None:
    (complaint,) = refusal(text).complaints
    assert (complaint.field, complaint.detail, complaint.position) == (field, detail, position)
    assert str(complaint) == f"{detail} (position {position})"


def test_all_that_is_wrong_is_told_at_once_and_the_rest_is_read() -> None:
    error = refusal(r'word :x model:opus b:c:d model:"\q\z" -client:Codex client:"Cla')
    assert [complaint.position for complaint in error.complaints] == [6, 20, 33, 35, 60]
    assert by_key(error.rest) == ({"model": ("opus",)}, {"client": ("Codex",)}, "word")
    assert str(error) == "; ".join(map(str, error.complaints))


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("x" * (MAX_LENGTH + 1), MAX_LENGTH + 1),
        ("x " * (MAX_ELEMENTS + 1), 2 * MAX_ELEMENTS + 1),
        ("a:b:c " * (MAX_ELEMENTS + 1), 6 * MAX_ELEMENTS + 1),
    ],
)
def test_a_query_has_a_largest_size(text: str, position: int) -> None:
    error = refusal(text)
    (complaint,) = error.complaints
    assert (complaint.field, complaint.position) == ("q", position)
    assert error.rest == Query()


def test_a_query_of_the_largest_size_is_read() -> None:
    assert parse("x" * MAX_LENGTH).bare == Term("", "x" * MAX_LENGTH, 1, operator="")
    words = parse("x " * MAX_ELEMENTS).bare
    assert words is not None
    assert len(words.value) == 2 * MAX_ELEMENTS - 1


ESCAPES = st.sampled_from(list('\\":- aenuxU0"-\u00a0\x1c'))


@given(
    text=st.text(max_size=500) | st.text(max_size=500).map(lambda text: text + '"\\'),
    key=st.text(max_size=20) | st.sampled_from(["model", "-model", "-", "tokens>5"]),
)
@example("x", "\u0130")
def test_what_go_quotes_is_read_back(text: str, key: str) -> None:
    value, name = go_quote(text), go_quote(key)
    position = len(f"{name}:{value}") + 2
    assert parse(f"{name}:{value} -{name}:{value} {value} ").terms == (
        Term(key.lower(), text, 1),
        Term(key.lower(), text, position, excluded=True),
    )
    bare = parse(f" {value}").bare
    assert bare == (Term("", text, 2, operator="") if text else None)
    (compared,) = parse(f"tokens>={value}").terms
    assert compared == Term("tokens", text, 1, ">=")


@given(st.text(st.characters(codec=None)) | st.text(ESCAPES))
@example('"\\')
@example('a:"\ud800" \ud800')
def test_any_text_is_read_or_refused_with_the_one_error(text: str) -> None:
    try:
        query = parse(text)
    except SearchError as error:
        positions = [complaint.position for complaint in error.complaints]
        assert positions
        assert positions == sorted(positions)
        assert all(1 <= position <= len(text) for position in positions)
    else:
        assert all(term.key == term.key.lower() for term in query.terms)


ELEMENTS = [
    *("ana", '"a b"', "model:x", '-"a:b":c', "tokens>5", "-cost<=1k", 'a>"b c"'),
    *(":x", "x:", "a:b:c", "-:x", 'model:"\\q"', '"\\q\\z":x', 'x>"\\q"', "tokens>5:"),
]
SPACES = st.sampled_from([" ", "  ", "\t", "\n "])


@given(st.lists(st.tuples(SPACES, st.sampled_from(ELEMENTS)), max_size=12))
def test_positions_point_at_the_elements_they_are_of(pieces: list[tuple[str, str]]) -> None:
    text = "".join(space + element for space, element in pieces)
    starts = {}
    end = 0
    for space, element in pieces:
        starts[end + len(space) + 1] = element
        end += len(space) + len(element)
    try:
        query, complaints = parse(text), []
    except SearchError as error:
        query, complaints = error.rest, list(error.complaints)
    told = {max(at for at in starts if at <= one.position) for one in complaints}
    read = {term.position for term in query.terms}
    assert told == {at for at, element in starts.items() if is_wrong(element)}
    words = {at for at, element in starts.items() if element in {"ana", '"a b"'}}
    assert told | read | words == set(starts)
    assert (query.bare.position if query.bare else None) == min(words, default=None)
    for one in complaints:
        assert one.position in starts or text[one.position - 1] == "\\"


def is_wrong(element: str) -> bool:
    return element in ELEMENTS[7:]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tokens>1000", Term("tokens", "1000", 1, ">")),
        ("Tokens>=1k", Term("tokens", "1k", 1, ">=")),
        ("-tokens<5", Term("tokens", "5", 1, "<", excluded=True)),
        ("-A_b<=x", Term("a_b", "x", 1, "<=", excluded=True)),
        ("tokens>", Term("tokens", "", 1, ">")),
        ("a>=>b", Term("a", ">b", 1, ">=")),
        ("a<>b", Term("a", ">b", 1, "<")),
        ("a>b\\n", Term("a", "b\\n", 1, ">")),
        ('a>"b c"', Term("a", "b c", 1, ">")),
        ('a>b" "c', Term("a", "b c", 1, ">")),
        ('a>"b:c"', Term("a", "b:c", 1, ">")),
        ("tokens>5:x", Term("tokens>5", "x", 1)),
        ("model:>5", Term("model", ">5", 1)),
    ],
)
def test_a_key_can_be_compared(text: str, expected: Term) -> None:
    assert parse(text) == Query((expected,))


@pytest.mark.parametrize(
    "text", ['"tokens>5"', '"tokens">5', "tokens=5", "to-kens>5", "->5", ">5", "--a>5", "é>5"]
)
def test_what_has_no_name_to_compare_is_a_word(text: str) -> None:
    assert parse(text) == Query((), Term("", text.replace('"', ""), 1, operator=""))


def test_terms_are_read_by_key_in_their_order_and_once() -> None:
    query = parse("model:b a>1 MODEL:a -model:b model:b a>1 a>=1 a:1 x")
    assert [term.position for term in query.of("model")] == [1, 13, 21]
    assert [(term.operator, term.position) for term in query.of("a")] == [
        (">", 9),
        (">=", 42),
        (":", 47),
    ]
    assert query.of("x") == query.of("") == ()
    assert {key: term.position for key, term in query.keys().items()} == {"model": 1, "a": 9}
    assert query.bare == Term("", "x", 51, operator="")


TERMS = st.tuples(st.sampled_from(["model", "-model", "client", "-Client"]), st.text(max_size=5))


@given(st.lists(TERMS, max_size=8).flatmap(lambda terms: st.tuples(*[st.permutations(terms)] * 2)))
def test_the_order_of_terms_does_not_matter(orders: tuple[list[tuple[str, str]], ...]) -> None:
    one, other = (
        parse("\t".join(f"{key}:{go_quote(value)}" for key, value in terms)) for terms in orders
    )
    assert without_order(one) == without_order(other)


def without_order(query: Query) -> list[dict[str, set[str]]]:
    *parts, _ = by_key(query)
    return [{key: set(values) for key, values in part.items()} for part in parts]


def test_the_module_imports_nothing_of_ours() -> None:
    tree = ast.parse(Path(search.__file__).read_text())
    names = [
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None), *(alias.name for alias in node.names)]
    ]
    assert not any(name and name.startswith("aibridge") for name in names)
