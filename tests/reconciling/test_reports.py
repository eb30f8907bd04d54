"""Reading providers' reports: what they say, and what is refused."""

import json
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.reconciling.pages import MAX_BYTES, ReportError
from aibridge.reconciling.reports import NOT_TOLD, Amounts, ReportKind, read_report
from tests.reconciling.samples import (
    anthropic,
    cents,
    completions,
    dollars,
    openai,
    tokens,
    written,
)

FIRST, SECOND = date(2026, 1, 1), date(2026, 1, 2)


def read(*pages: Any) -> list[tuple[date, str, bool, Amounts]]:
    return [tuple(item) for item in read_report(written(*pages)).items]  # type: ignore[misc]


def test_anthropics_costs_are_cents_by_model_or_of_something_else() -> None:
    page = anthropic(("2026-01-01", [cents("123.78912", "claude-opus-5-5"), cents("-1", None)]))
    report = read_report(written(page))
    assert (report.kind, report.days) == (ReportKind.ANTHROPIC_COSTS, (FIRST,))
    assert read(page) == [
        (FIRST, "claude-opus-5-5", True, Amounts(Fraction(12_378_912, 10))),
        (FIRST, "Web Search Usage", False, Amounts(Fraction(-10_000))),
    ]


def test_anthropics_usage_has_four_sorts_of_tokens() -> None:
    page = anthropic(("2026-01-01", [tokens("claude-opus-5-5", 1, 2)]))
    assert read_report(written(page)).kind is ReportKind.ANTHROPIC_USAGE
    expected = Amounts(input=1, output=2, cache_read=5, cache_write=7)
    assert read(page) == [(FIRST, "claude-opus-5-5", True, expected)]


@pytest.mark.parametrize(
    ("item", "name", "is_model"),
    [
        ("gpt-5.2, input", "gpt-5.2", True),
        ("GPT-4o-2024-08-06, Cached Input", "gpt-4o-2024-08-06", True),
        ("o3", "o3", True),
        ("Image models", "Image models", False),
        ("Completions", "Completions", False),
        (None, NOT_TOLD, False),
    ],
)
def test_openais_line_items_are_models_where_they_can_be(
    item: str | None, name: str, is_model: bool
) -> None:
    page = openai((2, [dollars(0.13080438, item)]))
    assert read(page) == [(SECOND, name, is_model, Amounts(Fraction(13_080_438, 100)))]


def test_openais_usage_has_what_was_cached_within_its_input() -> None:
    report = read_report(written(openai((1, [completions("gpt-5.2", 100, 7, 60)]))))
    assert report.kind is ReportKind.OPENAI_USAGE
    assert report.items[0].amounts == Amounts(input=40, output=7, cache_read=60)


def test_pages_follow_each_other_in_lines_or_in_a_list_and_days_may_be_empty() -> None:
    pages = [openai((1, [dollars("1.5", "o3")])), openai((2, [dollars(2, "o3")]), (3, []))]
    for content in (written(*pages), written(pages), b" ".join(map(written, pages)) + b"\n"):
        report = read_report(content)
        assert [item.amounts.cost for item in report.items] == [1_500_000, 2_000_000]
        assert len(report.days) == 3


def changed(**fields: Any) -> dict[str, Any]:
    page = openai((1, [dollars(1, "o3")]))
    page["data"][0] |= fields
    return page


P = "page 1.data.0"
R = f"{P}.results.0"


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("", "page 1: expected an object"),
        ({}, "page 1.data: expected a list"),
        ({"data": {}}, "page 1.data: expected a list"),
        ({"data": []}, "it has no buckets"),
        ({"data": [5]}, f"{P}: expected an object"),
        ({"data": [{}]}, f"{P}.start_time: expected a time"),
        (changed(start_time=True), f"{P}.start_time: expected a time"),
        (changed(start_time=10**30), f"{P}.start_time: expected seconds"),
        (changed(start_time="2026-01-01T00:00:00"), f"{P}.start_time: expected a time"),
        (changed(start_time="0001-01-01T00:00:00+14:00"), f"{P}.start_time: expected a time"),
        (changed(end_time=1_767_225_600), f"{P}: expected start_time and end_time within one day"),
        (changed(end_time=1_767_312_001), f"{P}: expected start_time and end_time within one day"),
        (changed(results=None), f"{P}.results: expected a list"),
        (changed(results=[]), "expected the results of one report; it has nothing"),
        (changed(results=[{}]), f"{R}: expected a result of costs"),
        (changed(results=[{"amount": 5}]), f"{R}.amount: expected an object"),
        (changed(results=[dollars(None, "o3")]), f"{R}.amount.value: expected dollars"),
        (changed(results=[dollars("1,5", "o3")]), f"{R}.amount.value: expected dollars"),
        (changed(results=[dollars("1e-99999999", "o3")]), f"{R}.amount.value: expected an amount"),
        (changed(results=[dollars("1e99999999", "o3")]), f"{R}.amount.value: expected a smaller"),
        (changed(results=[dollars("Infinity", "o3")]), f"{R}.amount.value: expected an amount"),
        (
            changed(results=[{"amount": {"value": 1, "currency": "eur"}}]),
            f"{R}.amount.currency: expected USD",
        ),
        (changed(results=[dollars(1, "o3") | {"line_item": 5}]), f"{R}.line_item: expected a text"),
        (changed(results=[completions("m", -1, 0, 0)]), f"{R}.input_tokens: expected a number"),
        (changed(results=[completions("m", 1, 0, 2)]), f"{R}.input_cached_tokens: expected no"),
        (
            changed(results=[completions("m", 1, 0, 0), dollars(1, "o3")]),
            "expected the results of one report; it has openai costs and openai usage",
        ),
        (
            [openai((1, [])), anthropic(("2026-01-01", []))],
            "it has reports of two providers",
        ),
        (
            anthropic(("2026-01-01", [cents("1", "m") | {"amount": 1}])),
            f"{R}.amount: expected cents as a text",
        ),
        (openai(*((day, []) for day in range(1, 368))), "expected 366 days at most"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(page: Any, message: str) -> None:
    with pytest.raises(ReportError) as caught:
        read_report(written(page))
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it has no buckets"),
        (b"\xff", "it is not JSON"),
        (b"{", "it is not JSON"),
        (b"[" * 200_000, "it is not JSON"),
        (b'{"data": [1e99999999999999999999]}', "it is not JSON"),
        (b'{"data": [NaN]}', "NaN is no number"),
        (b" " * (MAX_BYTES + 1), "expected 32 MiB at most"),
    ],
)
def test_what_is_no_report_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(ReportError, match=message):
        read_report(content)


GOOD = [
    written(anthropic(("2026-01-01", [cents("5.5", "claude-opus-5-5"), cents("1", None)]))),
    written(anthropic(("2026-01-01", [tokens("claude-opus-5-5", 1, 2)]))),
    written(openai((1, [dollars(0.5, "o3, input")]))),
    written(openai((1, [completions("o3", 5, 6, 4)]))),
]
NAMES = sorted(
    {"data", "results", "starting_at", "ending_at", "start_time", "end_time"}
    | {key for page in GOOD for key in json.loads(page)["data"][0]["results"][0]}
)
anything: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.decimals().map(str)
    | st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", 1_767_225_600, "usd"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6)
    ),
    max_leaves=20,
)


@given(st.data())
def test_any_change_of_a_report_is_read_or_refused(data: st.DataObject) -> None:
    page = json.loads(data.draw(st.sampled_from(GOOD)))
    place = data.draw(st.sampled_from(["page", "bucket", "result"]))
    bucket = page["data"][0]
    target = {"page": page, "bucket": bucket, "result": bucket["results"][0]}[place]
    target[data.draw(st.sampled_from([*target, *NAMES]))] = data.draw(anything)
    content = written(page)
    cut = data.draw(st.sampled_from([None, None, len(content) // 2]))
    try:
        report = read_report(content[:cut])
    except ReportError:
        return
    assert report.days
    assert all(isinstance(item.amounts.cost, Fraction) for item in report.items)


@given(st.binary(max_size=60) | anything.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_report_or_refused(content: bytes) -> None:
    try:
        read_report(content)
    except ReportError:
        return


@given(st.decimals(-1000, 1000, places=8, allow_nan=False))
def test_amounts_are_exact(amount: Decimal) -> None:
    (item,) = read_report(written(openai((1, [dollars(str(amount), "o3")])))).items
    assert item.amounts.cost == Fraction(amount) * 1_000_000
