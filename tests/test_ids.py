"""Ids: UUIDs of version 7, in the order in which they are made."""

import time
from concurrent.futures import ThreadPoolExecutor
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.ids import first_id_at, new_id, now


def test_an_id_is_a_uuid_of_version_7_in_lower_case():
    for _ in range(100):
        text = new_id()
        found = UUID(text)
        assert (str(found), found.version, found.variant) == (text, 7, RFC_4122)


def test_an_id_begins_with_its_time_in_milliseconds():
    before = time.time_ns() // 1_000_000
    milliseconds = UUID(new_id()).int >> 80
    assert before <= milliseconds <= time.time_ns() // 1_000_000


def test_ids_stand_in_the_order_in_which_they_were_made():
    made = [new_id() for _ in range(10_000)]
    assert made == sorted(made)


def test_ids_are_unique_across_threads():
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: new_id(), range(20_000)))
    assert len(set(made)) == len(made)


@pytest.mark.parametrize("nanoseconds", [0, 999_999, 1_767_225_600_123_456_789])
def test_any_time_makes_a_good_id(monkeypatch, nanoseconds):
    monkeypatch.setattr("aibridge.ids.time.time_ns", lambda: nanoseconds)
    found = UUID(new_id())
    assert (found.version, found.variant) == (7, RFC_4122)
    assert found.int >> 80 == nanoseconds // 1_000_000


@given(st.integers(0, 1 << 57))
def test_a_moments_first_id_parts_the_ids_of_before_from_the_others(moment):
    first = first_id_at(moment)
    milliseconds = moment // 1000
    ids = [
        str(UUID(int=at << 80 | rest))
        for at in (milliseconds, milliseconds - 1)
        if at >= 0
        for rest in (0, (1 << 80) - 1)
    ]
    assert [first < id_ for id_ in ids] == [True, True, False, False][: len(ids)]


def test_the_time_is_in_microseconds():
    before = time.time_ns()
    assert before // 1000 <= now() <= time.time_ns() // 1000
