"""Files of limits that are to be tried."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.cli.policy import MAX_BYTES, PolicyError, parse_policy, read_policy

EXPECTED = "expected dollars such as 12.50, with six decimals at most, or false for no limit"
TOML = """
[groups]
devs.spend_limit = 12.5
"no one".spend_limit = false
[users.ana]
spend_limit = "$200.00"
group = "devs"
"""
LIMITS = {
    "groups": {
        "devs": {"spend_limit_micros": 12_500_000},
        "no one": {"spend_limit_micros": None},
    },
    "users": {"ana": {"spend_limit_micros": 200_000_000, "group": "devs"}},
}


def test_json_and_toml_say_the_same(tmp_path: Path) -> None:
    as_json = {
        "groups": {"devs": {"spend_limit": 12.5}, "no one": {"spend_limit": None}},
        "users": {"ana": {"spend_limit": 200, "group": "devs"}},
    }
    for name, text in (
        ("limits.toml", TOML),
        ("limits.json", json.dumps(as_json)),
        ("limits", json.dumps(as_json)),
        ("LIMITS", TOML),
    ):
        file = tmp_path / name
        file.write_text(text)
        assert read_policy(file) == LIMITS


@pytest.mark.parametrize(
    ("value", "micros"),
    [
        ("0", 0),
        ("0.000001", 1),
        ("0.1", 100_000),
        ("1e3", 1_000_000_000),
        ("1000000", 10**12),
        ("null", None),
        ("false", None),
        ('"0.30"', 300_000),
    ],
)
def test_limits_are_exact_dollars(value: str, micros: int | None) -> None:
    found = parse_policy(f'{{"users": {{"a": {{"spend_limit": {value}}}}}}}')
    assert found["users"] == {"a": {"spend_limit_micros": micros}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "it is not JSON: "),
        ("[groups", "it is not TOML: "),
        ("[" * 100_000, "it is not TOML: "),
        ('{"a":' * 100_000, "it is not JSON: "),
        ('{"a": 1e99999999999999999999}', "it is not JSON: "),
        ("a = 1e99999999999999999999", "it is not TOML: "),
        ('{"limits": {}}', "limits: expected groups and users, and nothing else"),
        ('{"groups": []}', "groups: expected a table"),
        ('{"groups": {"a": 5}}', "groups.a: expected a table"),
        ('{"groups": {"a": {}}}', f"groups.a.spend_limit: it is needed: {EXPECTED}"),
        ('{"groups": {"a": {}, "a": {}}}', "a: it stands there twice"),
        ("groups.a.spend_limt = 5", "groups.a.spend_limt: expected spend_limit"),
        (
            "groups.a = {spend_limit = 5, group = 'b'}",
            "groups.a.group: expected spend_limit",
        ),
        (
            "users.a = {spend_limit = 5, group = 5}",
            "users.a.group: expected the name or the id of a group",
        ),
        *(
            (f"users.a.spend_limit = {value}", f"users.a.spend_limit: {EXPECTED}")
            for value in (
                "true",
                "-1",
                "0.0000001",
                "1e-999999999",
                "nan",
                "inf",
                "[]",
                '"much"',
                "2026-01-01",
            )
        ),
        ('{"users": {"a": {"spend_limit": NaN}}}', f"users.a.spend_limit: {EXPECTED}"),
        ("users.a.spend_limit = 1000000.1", "users.a.spend_limit: expected 1,000,000 at most"),
        ("users.a.spend_limit = 1e999999999", "users.a.spend_limit: expected 1,000,000 at most"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(text)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot read "), (b"\xff", "is not UTF-8"), (b" " * (MAX_BYTES + 1), "is too large")],
)
def test_files_that_cannot_be_read_are_named(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    file = tmp_path / "limits.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(PolicyError, match=message) as caught:
        read_policy(file)
    assert str(file) in str(caught.value)


values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.dictionaries(
        st.sampled_from(["groups", "users", "spend_limit", "group", "a"]), inner, max_size=3
    ),
    max_leaves=8,
)


@given(st.text(max_size=40) | values.map(json.dumps), st.booleans())
def test_any_text_is_a_policy_or_refused(text: str, is_json: bool) -> None:
    try:
        found = parse_policy(text, is_json=is_json)
    except PolicyError:
        return
    assert found.keys() == {"groups", "users"}
