"""Damage to a journal costs the call that it hits, and is said."""

from pathlib import Path
from typing import Any

from structlog.testing import capture_logs

from aibridge.journal.format import HEAD_BYTES
from aibridge.journal.segments import listed
from aibridge.keeper.calls import GAP_NOTE
from tests.keeper.journals import Gateway, answer, keep, process_of

WHOLE = answer()


def flip(folder: Path, position: int) -> None:
    """Change a bit of the last byte before a position."""
    (segment,) = listed(folder)
    content = bytearray(segment.path.read_bytes())
    content[HEAD_BYTES + position - segment.base - 1] ^= 1
    segment.path.write_bytes(content)


def notes(rows: Any) -> dict[str, list[str]]:
    return {row["id"]: row["notes"] for row in rows("interceptions")}


def test_a_call_that_lacks_bytes_of_its_answer_says_so_and_no_other_does(
    gateway, root, database, rows
):
    hit, other = gateway.begin("One."), gateway.begin("Two.")
    gateway.piece(hit, WHOLE[:20])
    damaged = gateway.journal.position
    gateway.piece(other, WHOLE[:20])
    for call in (hit, other):
        gateway.end(call, WHOLE[20:], response_bytes=len(WHOLE))
    flip(gateway.claim.folder, damaged)
    with capture_logs() as logs:
        keep(root, database)
    found = notes(rows)
    assert GAP_NOTE in found[hit.id]
    assert GAP_NOTE not in found[other.id]
    assert "journal_gap" in {one["event"] for one in logs}


def test_a_call_whose_end_is_damaged_is_closed_as_interrupted(root, database, rows):
    gone = Gateway(root)
    hit = gone.begin("Hit.")
    gone.end(hit)
    damaged = gone.journal.position
    other = gone.call("Other.")
    gone.stop()
    flip(gone.claim.folder, damaged)
    keep(root, database)
    found = {row["id"]: row["error_type"] for row in rows("interceptions")}
    assert found == {hit.id: "interrupted", other: ""}


def test_a_segment_whose_head_is_damaged_holds_up_no_other(root, database, rows):
    with process_of(root, segment_bytes=1) as process:
        first = process.call()
        process.journal.settle()
        damaged = listed(process.claim.folder)[-1]
        last = [process.call() for _ in range(2)][-1]
    damaged.path.write_bytes(b"?" * damaged.size)
    with capture_logs() as logs:
        keep(root, database)
    found = [row["id"] for row in rows("interceptions")]
    assert (found[0], found[-1]) == (first, last)
    assert {each["event"] for each in logs} == {"journal_gap"}
