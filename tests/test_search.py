import ast
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aibridge import search
from aibridge.search import MAX_ELEMENTS, MAX_LENGTH, Query, SearchError, parse

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
def test_a_query_is_read(
    text: str, terms: dict[str, tuple[str, ...]], excluded: dict[str, tuple[str, ...]], words: str
) -> None:
    assert parse(text) == Query(terms, excluded, words)


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
        ('"ana', "q", 'Query param "q" has an unterminated quote at position 1', 1),
        ('Model:"a b', "model", 'Query param "model" has an unterminated quote at position 7', 7),
        ('model:"a\\"', "model", 'Query param "model" has an unterminated quote at position 7', 7),
        ('a:b:"c', "a", 'Query param "a" has an unterminated quote at position 5', 5),
        (':"c', "q", 'Query param "q" has an unterminated quote at position 2', 2),
        (r'm:"a\qb"', "m", r'Query param "m" has an invalid escape "\q" at position 5', 5),
        (r'm:"\x4"', "m", r'Query param "m" has an invalid escape "\x" at position 4', 4),
        (r'm:"\u004g"', "m", r'Query param "m" has an invalid escape "\u" at position 4', 4),
        (r'm:"\ud800"', "m", r'Query param "m" has an invalid escape "\ud800" at position 4', 4),
        (
            r'"\U00110000"',
            "q",
            r'Query param "q" has an invalid escape "\U00110000" at position 2',
            2,
        ),
        (r'"\ffffffff\q"', "q", r'Query param "q" has an invalid escape "\q" at position 11', 11),
        (r'"\n\'":x', "q", r"""Query param "q" has an invalid escape "\'" at position 4""", 4),
    ],
)
def test_what_is_wrong_is_named_with_its_place(
    text: str, field: str, detail: str, position: int
) -> None:
    (complaint,) = refusal(text).complaints
    assert (complaint.field, complaint.detail, complaint.position) == (field, detail, position)


def test_all_that_is_wrong_is_told_at_once_and_the_rest_is_read() -> None:
    error = refusal(r'word :x model:opus b:c:d model:"\q\z" -client:Codex client:"Cla')
    assert [complaint.position for complaint in error.complaints] == [6, 20, 33, 35, 60]
    assert error.rest == Query({"model": ("opus",)}, {"client": ("Codex",)}, "word")
    assert "; " in str(error)


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
    assert error.rest == Query({}, {}, "")


def test_a_query_of_the_largest_size_is_read() -> None:
    assert parse("x" * MAX_LENGTH).text == "x" * MAX_LENGTH
    assert len(parse("x " * MAX_ELEMENTS).text) == 2 * MAX_ELEMENTS - 1


ESCAPES = st.sampled_from(list('\\":- aenuxU0"-\u00a0\x1c'))


@given(st.text(max_size=500) | st.text(max_size=500).map(lambda text: text + '"\\'))
def test_what_go_quotes_is_read_back(text: str) -> None:
    quoted = go_quote(text)
    assert parse(f"model:{quoted} -client:{quoted}") == Query(
        {"model": (text,)}, {"client": (text,)}, ""
    )
    assert parse(quoted).text == text


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
        assert all(key == key.lower() for key in (*query.terms, *query.excluded))


TERMS = st.tuples(st.sampled_from(["model", "-model", "client", "-Client"]), st.text(max_size=5))


@given(st.lists(TERMS, max_size=8).flatmap(lambda terms: st.tuples(*[st.permutations(terms)] * 2)))
def test_the_order_of_terms_does_not_matter(orders: tuple[list[tuple[str, str]], ...]) -> None:
    one, other = (
        parse("\t".join(f"{key}:{go_quote(value)}" for key, value in terms)) for terms in orders
    )
    assert without_order(one) == without_order(other)


def without_order(query: Query) -> list[dict[str, set[str]]]:
    parts = (query.terms, query.excluded)
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
