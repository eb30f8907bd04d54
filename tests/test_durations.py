"""Lengths of time as people write them; more of what is read is in the tests of what reads them."""

import re
from datetime import timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aibridge.durations import LONGEST, duration_text, parse_duration


@given(st.integers(1, round(LONGEST.total_seconds())))
def test_what_is_written_is_read_again(seconds: int) -> None:
    duration = timedelta(seconds=seconds)
    assert parse_duration(duration_text(duration)) == duration


@pytest.mark.parametrize("text", ["60d", "12h", "90m", "45s"])
def test_what_is_read_is_written_again(text: str) -> None:
    duration = parse_duration(text)
    assert duration is not None
    assert duration_text(duration) == text


@given(st.text(max_size=12))
def test_any_other_text_is_refused_by_what_it_is_called(text: str) -> None:
    assume(text != "0" and not re.fullmatch(r"[0-9]+[smhdw]", text))
    with pytest.raises(ValueError, match=r"^a nap is .*, or 0 for ever; not ") as refused:
        parse_duration(text, called="a nap", without_end="ever")
    assert str(refused.value).endswith(repr(text))
