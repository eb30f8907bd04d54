import ast
import unicodedata
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge import search
from aibridge.sdk.quoting import go_quote, rfc3339_nano

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
DAY = timedelta(hours=23, minutes=59)
OFFSETS = st.builds(timezone, st.timedeltas(-DAY, DAY))
TEXTS = st.text(st.one_of(st.characters(), st.characters(max_codepoint=0xFF)))


@pytest.mark.parametrize(  # what Go prints
    ("text", "quoted"),
    [
        ("", '""'),
        ("claude-sonnet-4-5", '"claude-sonnet-4-5"'),
        ("a b", '"a b"'),
        ('say "hi" \\ there', r'"say \"hi\" \\ there"'),
        ("\a\b\f\n\r\t\v\x00\x1b\x7f", r'"\a\b\f\n\r\t\v\x00\x1b\x7f"'),
        ("grüß 日本 😀 '`", '"grüß 日本 😀 \'`"'),
        ("\u00a0\u00ad\u200b\u202e\ufeff\u2028", r'"\u00a0\u00ad\u200b\u202e\ufeff\u2028"'),
        ("\U000e0001\ufffd\u0085\ue000", '"\\U000e0001\ufffd\\u0085\\ue000"'),
        ("\u0378\U0010ffff", r'"\u0378\U0010ffff"'),
        ("\ud800\udcff", r'"\ufffd\ufffd"'),
    ],
)
def test_texts_are_quoted_as_go_does(text: str, quoted: str) -> None:
    assert go_quote(text) == quoted


def _by_the_rules(char: str) -> str:
    """Go's rules by the category, as strconv's documentation has them."""
    named = dict(zip('\a\b\f\n\r\t\v\\"', 'abfnrtv\\"', strict=True))
    if char in named:
        return f"\\{named[char]}"
    if char == " " or unicodedata.category(char)[0] in "LMNPS":
        return char
    code = ord(char)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


@given(TEXTS)
def test_any_text_is_quoted_by_the_rules_of_go(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    assert go_quote(text) == f'"{"".join(_by_the_rules(char) for char in text)}"'


@given(TEXTS)
def test_what_is_quoted_is_one_printable_line_and_reads_back(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    quoted = go_quote(text)
    assert quoted.isprintable()
    assert ast.literal_eval(quoted) == text  # Python's escapes include those of Go


@given(TEXTS)
def test_the_server_reads_what_is_quoted(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    assert search.parse(f"model:{go_quote(text)}").terms == (search.Term("model", text, 1),)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NOON, "2026-01-01T12:00:00Z"),
        (NOON.replace(second=10), "2026-01-01T12:00:10Z"),
        (NOON + timedelta(microseconds=120000), "2026-01-01T12:00:00.12Z"),
        (NOON + timedelta(microseconds=1), "2026-01-01T12:00:00.000001Z"),
        (NOON.replace(tzinfo=timezone(timedelta(hours=2))), "2026-01-01T12:00:00+02:00"),
        (
            NOON.replace(tzinfo=timezone(-timedelta(hours=3, minutes=30))),
            "2026-01-01T12:00:00-03:30",
        ),
        (NOON.replace(tzinfo=timezone(timedelta(seconds=1172))), "2026-01-01T11:40:28Z"),
        (NOON.replace(year=999), "0999-01-01T12:00:00Z"),
    ],
)
def test_times_are_written_in_the_callers_offset(moment: datetime, text: str) -> None:
    assert rfc3339_nano(moment) == text


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=OFFSETS))  # noqa: DTZ001
def test_any_time_reads_back_as_the_same_moment(moment: datetime) -> None:
    assert datetime.fromisoformat(rfc3339_nano(moment)) == moment.astimezone(UTC)


def test_a_time_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="a time needs an offset"):
        rfc3339_nano(NOON.replace(tzinfo=None))
