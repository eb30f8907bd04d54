import hashlib
import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.identity.tokens import digest, generate, holds_token, matches, parse, parse_lifetime

ID, SECRET = "aB3dE6gH9j", "0123456789abcdefghijKL"


def test_a_token_reads_id_and_secret() -> None:
    token = generate()
    assert re.fullmatch(r"[A-Za-z0-9]{10}-[A-Za-z0-9]{22}", token.text)
    assert parse(token.text) == (token.id, token.secret)
    assert token.secret not in repr(token)
    assert generate().text != token.text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        ID,
        f"{ID}{SECRET}",
        f"{ID}_{SECRET}",
        f"{ID}-{SECRET}x",
        f"{ID}-{SECRET[:-1]}",
        f" {ID}-{SECRET}",
        f"{ID}-{SECRET}\n",
        f"{ID[:-1]}é-{SECRET}",
        f"{ID}-{SECRET[:-1]}-",
        f"{ID[:-1]} -{SECRET}",
        f"{ID}-{SECRET[:-1]}٣",
        "sk-ant-api03-abcdefghijklmnopqrst",
    ],
)
def test_what_is_not_a_token(text: str) -> None:
    assert parse(text) is None


@given(st.text(max_size=40))
def test_any_text_is_taken_apart_or_refused(text: str) -> None:
    assert parse(text) is None or re.fullmatch(r"[A-Za-z0-9]{10}-[A-Za-z0-9]{22}", text)


def test_only_the_hash_of_a_secret_is_kept() -> None:
    assert digest(SECRET) == hashlib.sha256(SECRET.encode()).hexdigest()
    assert matches(SECRET, digest(SECRET))
    assert not matches(SECRET, digest("x"))
    assert not matches(SECRET, "")


@pytest.mark.parametrize(
    ("text", "lifetime"),
    [
        ("30d", timedelta(days=30)),
        ("12h", timedelta(hours=12)),
        ("90m", timedelta(minutes=90)),
        ("45s", timedelta(seconds=45)),
        ("2w", timedelta(weeks=2)),
        ("36500d", timedelta(days=36_500)),
        ("0", None),
    ],
)
def test_lifetimes(text: str, lifetime: timedelta | None) -> None:
    assert parse_lifetime(text) == lifetime


@pytest.mark.parametrize(
    "text", ["", "d", "30", "-1d", "1.5h", "30 d", "30D", "1y", "0d", "36501d", "999999999w", "٣d"]
)
def test_what_is_not_a_lifetime(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"not {text!r}")):
        parse_lifetime(text)


@pytest.mark.parametrize("form", ["{}", "Bearer {}", "a={}&b", "({})", "x {}\n", ".{}.", "é{}é"])
def test_a_token_is_found_in_a_text(form: str) -> None:
    assert holds_token(form.format(generate().text))


@pytest.mark.parametrize(
    "form", ["", "x{}", "{}x", "-{}", "{}-", "sk-proj-{}", "_{}", "{}_", "sk-ant-api03-{}-AA"]
)
def test_a_part_of_another_word_is_no_token(form: str) -> None:
    assert not holds_token(form.format("abcdefghij-ABCDEFGHIJKLMNOPQRSTUV"))


@pytest.mark.parametrize(
    "text",
    [
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "0190c8a2-7d1c-7e4b-9a30-2f4f1d0c9b11",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl",
        "sk-ant-api03-0123456789-0123456789012345678901",
        "gho_0123456789012345678901234567890123",
    ],
)
def test_what_others_send_is_no_token(text: str) -> None:
    assert not holds_token(text)
