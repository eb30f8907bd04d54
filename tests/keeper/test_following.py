"""Following journals: all of them together, in the order in which things happened."""

import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from aibridge.ids import now
from aibridge.journal.segments import listed
from aibridge.keeper import following as module
from aibridge.keeper.following import Followed, Following
from aibridge.keeper.tidying import remove_passed
from aibridge.store.record.journals import Position
from tests.keeper.journals import Gateway, keep, process_of


@pytest.fixture
def two(root):
    """Two gateway processes."""
    with process_of(root) as one, process_of(root) as other:
        assert one.claim.folder != other.claim.folder
        yield one, other


def followed(root: Path, *processes: Gateway) -> Following:
    """Follow the journals of some processes, none of which was followed before."""
    following = Following(root)
    for folder, id_ in following.new():
        following.journals[id_] = Followed(folder, id_, None)
    assert len(following.journals) == len(processes)
    return following


def test_entries_of_several_journals_come_in_the_order_of_their_times(root, two):
    at = now()
    for number in range(10):
        two[number % 2].begin(at=at + number)
    following = followed(root, *two)
    found: list[int] = []
    while taken := following.take(3):
        assert len(taken) <= 3
        found += [item.at for _, item in taken]
    assert found == [at + number for number in range(10)]
    following.close()


def test_a_clock_that_is_set_back_leaves_the_order_within_a_journal(root, two):
    at = now()
    calls = [two[0].begin(at=at + offset) for offset in (0, -50, 1)]
    following = followed(root, *two)
    found = [item for _, item in following.take(9)]
    assert [item.number for item in found] == [call.number for call in calls]
    assert [item.at for item in found] == [at, at, at + 1]
    following.close()


def test_what_came_while_the_others_were_looked_at_waits_for_the_next_look(root, two, monkeypatch):
    """Between the look into one journal and that into the next both may be written to."""
    one, other = two
    at = now()
    fill = Followed.fill
    one.begin(at=at)
    looks: list[str] = []

    def filling(journal: Followed) -> int:
        found = fill(journal)
        looks.append(journal.id)
        if len(looks) == 2:
            one.begin(at=at + 1)
            other.begin(at=at + 2)
        return found

    following = followed(root, *two)
    monkeypatch.setattr(Followed, "fill", filling)
    assert [item.at - at for _, item in following.take(9)] == [0]
    assert [item.at - at for _, item in following.take(9)] == [1, 2]
    following.close()


def test_a_journal_that_is_far_ahead_is_held_in_memory_in_part_only(root, two, monkeypatch):
    monkeypatch.setattr(module, "AHEAD", 4)
    at = now()
    for number in range(20):
        two[0].begin(at=at + number)
        two[1].begin(at=at + 1000 + number)
    following = followed(root, *two)
    found: list[int] = []
    while taken := following.take(2):
        found += [item.at - at for _, item in taken]
        assert all(len(one.ahead) <= 4 for one in following.journals.values())
    assert found == [*range(20), *range(1000, 1020)]
    following.close()


def test_what_is_taken_together_is_bounded_by_what_there_is_to_read(root, gateway, monkeypatch):
    """A body that repeats another is small in the journal, and not once it is read."""
    monkeypatch.setattr(module, "MOST_BYTES", 1000)
    for _ in range(5):
        gateway.begin(request_bytes=600)
    following = followed(root, gateway)
    assert [len(following.take(9)) for _ in range(4)] == [2, 2, 1, 0]
    following.close()


@pytest.mark.parametrize("first", [0, 1])
def test_a_request_finds_the_answer_that_it_goes_on_with_in_another_journal(
    root, two, database, rows, first
):
    asked, went_on = two[first], two[1 - first]
    for number in range(1, 5):
        asked, went_on = went_on, asked
        asked.call("", f"c{number}", after=f"c{number - 1}")
    keep(root, database)
    ids = [row["id"] for row in rows("interceptions")]
    assert [row["thread_parent_id"] for row in rows("interceptions")] == [None, *ids[:-1]]


def test_a_torn_tail_is_read_when_it_is_whole(gateway, root, database, rows):
    gateway.call()
    (segment,) = listed(gateway.claim.folder)
    whole = segment.path.read_bytes()
    os.truncate(segment.path, len(whole) - 7)
    keep(root, database)
    assert [row["status"] for row in rows("interceptions")] == ["running"]
    segment.path.write_bytes(whole)
    keep(root, database)
    assert [row["status"] for row in rows("interceptions")] == ["completed"]


def test_a_crash_of_the_machine_costs_what_was_not_synced_and_no_more(root, database, rows):
    """The tail is torn, the process is gone, and the next run goes on in the same folder."""
    with process_of(root) as gone:
        ids = [gone.call(), gone.begin().id]
        gone.call()
        (segment,) = listed(gone.claim.folder)
    os.truncate(segment.path, segment.size - 400)
    with process_of(root) as process:
        ids.append(process.call())
    keep(root, database)
    found = {row["id"]: row["status"] for row in rows("interceptions")}
    assert [found[id_] for id_ in ids] == ["completed", "failed", "completed"]


def test_an_entry_that_a_later_release_wrote_is_a_gap(gateway, root, database, rows):
    gateway.journal.append(1, b"\xff\xff\xff\xff")
    good = gateway.call()
    with capture_logs() as logs:
        keep(root, database)
    assert [row["id"] for row in rows("interceptions")] == [good]
    assert [each["event"] for each in logs] == ["journal_gap"]


def test_segments_that_nobody_needs_go_and_the_newest_stays(root, database, rows):
    with process_of(root, segment_bytes=1) as process:
        open_ = process.begin()
        for _ in range(3):
            process.call()
        before = listed(process.claim.folder)
        keep(root, database)
        assert listed(process.claim.folder) == before  # of the one that is open all is needed
        process.end(open_)
        keep(root, database)
        assert len(listed(process.claim.folder)) == 1
        keep(root, database)
    assert len(rows("interceptions")) == 4


@pytest.mark.parametrize(
    ("seconds", "most", "left"), [(0, 1 << 30, 1), (60, 1 << 30, 8), (60, 0, 1)]
)
def test_segments_are_kept_for_a_time_and_up_to_a_size(root, seconds, most, left):
    with process_of(root, segment_bytes=1) as process:
        for _ in range(4):
            process.call()
        end = process.journal.position
        one = Followed(process.claim.folder, "id", Position(end, end))
        remove_passed(one, seconds, most)
        one.close()
        assert abs(len(listed(process.claim.folder)) - left) <= 1


def test_nothing_goes_of_a_journal_of_which_the_database_has_nothing(root):
    with process_of(root, segment_bytes=1) as process:
        process.call()
        before = listed(process.claim.folder)
        one = Followed(process.claim.folder, "id", None)
        remove_passed(one, 0, 0)
        one.close()
        assert listed(process.claim.folder) == before


def test_a_journal_that_is_new_is_followed_by_a_keeper_that_is_at_work(root, database, rows):
    first = Gateway(root)
    first.call()
    later: list[Gateway] = []

    def is_over() -> bool:
        if not later:
            later.append(Gateway(root))
            later[0].call()
        return len(rows("interceptions")) == 2

    keep(root, database, is_over=is_over)
    assert len(rows("interceptions")) == 2
    for process in (first, *later):
        process.stop()
