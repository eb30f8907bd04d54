"""What a process is allotted of the room that a limit leaves."""

import pytest

from aibridge.budgets.ledger import to_allot


@pytest.mark.parametrize(
    ("room", "reserved", "wanted", "allotted"),
    [
        (100, 0, [10], 21),  # an eighth of the rest ahead
        (10_000_000, 0, [10], 2570),  # no more ahead than 256 times what is wanted
        (100, 40, [10], 56),
        (100, 0, [100], 100),
        (100, 0, [101], 0),  # what is too little for any is left to others
        (100, 30, [71], 30),
        (100, 0, [60, 50, 40], 100),  # those that fit, in their order
        (100, 0, [], 0),
        (0, 0, [0], 0),
        (10, 40, [1], 40),  # what is reserved stays, where the limit was lowered
        (-5, 0, [1], 0),
    ],
)
def test_a_process_is_allotted_what_fits(
    room: int, reserved: int, wanted: list[int], allotted: int
) -> None:
    assert to_allot(room, reserved, wanted) == allotted
