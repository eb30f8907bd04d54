import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.journal.folding import LEAST_SHARED, Folded, fold, unfold

LONG = b"x" * LEAST_SHARED
pieces = st.one_of(st.binary(max_size=8), st.just(LONG), st.just(LONG[1:]))
bodies = st.lists(pieces, max_size=5).map(b"".join)


@pytest.mark.parametrize(
    ("body", "base", "folded"),
    [
        (LONG + b"ab", LONG + b"cb", Folded(LEAST_SHARED, 1, b"a")),
        (b"a" + LONG, b"b" + LONG, Folded(0, LEAST_SHARED, b"a")),
        (LONG, LONG, Folded(LEAST_SHARED, 0, b"")),
        (LONG + b"b", LONG, Folded(LEAST_SHARED, 0, b"b")),
        (LONG, LONG + b"b", Folded(LEAST_SHARED, 0, b"")),
        (LONG * 2, LONG, Folded(LEAST_SHARED, 0, LONG)),
        (b"{" + LONG + b"}", b"{" + LONG + b",more}", Folded(LEAST_SHARED + 1, 1, b"")),
        (LONG[1:], LONG[1:], None),
        (b"", LONG, None),
        (b"", b"", None),
        (b"a" * LEAST_SHARED, LONG, None),
    ],
)
def test_a_body_is_what_differs_from_another(body: bytes, base: bytes, folded: object) -> None:
    assert fold(body, base) == folded


@given(bodies, bodies)
def test_what_was_folded_comes_back_as_it_was(body: bytes, base: bytes) -> None:
    folded = fold(body, base)
    if folded is not None:
        assert unfold(folded, base) == body
        assert len(folded.middle) + folded.prefix + folded.suffix == len(body)


@given(bodies, st.binary(max_size=6), st.integers(0, 2000))
def test_what_was_put_into_a_body_is_all_that_differs(base: bytes, new: bytes, at: int) -> None:
    at = min(at, len(base))
    folded = fold(base[:at] + new + base[at:], base)
    assert folded is None or len(folded.middle) <= len(new)
    assert folded is not None or len(base) < LEAST_SHARED


@pytest.mark.parametrize("folded", [Folded(3, 3, b""), Folded(6, 0, b""), Folded(-1, 1, b"")])
def test_a_base_that_it_cannot_be_of_is_refused(folded: Folded) -> None:
    with pytest.raises(ValueError, match="bytes are not to be had from 5"):
        unfold(folded, b"abcde")
