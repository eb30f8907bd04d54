"""A call that goes on for long: no journal has to stay for it, and all of it is on record."""

import pytest

from aibridge.journal.segments import listed
from aibridge.keeper import keeper, long_calls
from tests.keeper.journals import RULES, Gateway, answer, keep

SMALL = RULES._replace(kept_bytes=2000)


@pytest.fixture(autouse=True)
def tidy_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "TIDY_SECONDS", 0.0)


@pytest.fixture
def process(root):
    found = Gateway(root, segment_bytes=500)
    yield found
    found.stop()


def others(process: Gateway, count: int = 20) -> None:
    for number in range(count):
        process.call(f"Call {number}. " + "x" * 200)


def test_its_journal_goes_and_it_is_on_record_whole(process, root, database, rows):
    said = answer()
    body = b'{"model":"m-1","messages":[{"role":"user","content":"Take your time."}]}'
    long = process.begin(body=body)
    process.piece(long, said[:20])
    others(process)
    keep(root, database, rules=SMALL)
    assert len(listed(process.claim.folder)) <= 3
    process.piece(long, said[20:40])
    others(process)
    keep(root, database, rules=SMALL)
    process.end(long, said[40:], response_bytes=len(said))
    keep(root, database, rules=SMALL)
    (row,) = (row for row in rows("interceptions") if row["id"] == long.id)
    assert (row["status"], row["notes"]) == ("completed", "[]")
    assert [one["prompt"] for one in rows("user_prompts") if one["interception_id"] == long.id] == [
        "Take your time."
    ]
    assert [one["output_tokens"] for one in rows("token_usages")] == [2] * 41
    assert not list((process.claim.folder / long_calls.NAME).iterdir())


def test_a_keeper_that_has_read_its_pieces_before_takes_none_twice(
    process, root, database, rows, monkeypatch
):
    """Its file is of a moment that the database has not come to."""
    said = answer()
    long = process.begin()
    process.piece(long, said[:20])
    others(process)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(keeper, "remove_passed", killed)
        with pytest.raises(KeyboardInterrupt):
            keep(root, database, rules=SMALL)
    process.end(long, said[20:], response_bytes=len(said))
    keep(root, database, rules=SMALL)
    found = {row["id"]: (row["status"], row["notes"]) for row in rows("interceptions")}
    assert found[long.id] == ("completed", "[]")
    assert len(rows("token_usages")) == 21


def test_one_whose_process_is_gone_is_closed_as_interrupted(root, database, rows):
    process = Gateway(root, segment_bytes=500)
    long = process.begin()
    others(process)
    keep(root, database, rules=SMALL)
    process.stop()
    keep(root, database, rules=SMALL)
    found = {row["id"]: row["status"] for row in rows("interceptions")}
    assert found[long.id] == "failed"
    assert not list((process.claim.folder / long_calls.NAME).iterdir())


def test_a_file_that_was_left_behind_goes(process, root, database, rows, monkeypatch):
    long = process.begin()
    others(process)
    keep(root, database, rules=SMALL)
    process.end(long)
    with monkeypatch.context() as patch:
        patch.setattr(long_calls, "forget", lambda _: None)
        keep(root, database, rules=SMALL)
    others(process)
    keep(root, database, rules=SMALL)
    assert not list((process.claim.folder / long_calls.NAME).iterdir())
    assert {row["status"] for row in rows("interceptions")} == {"completed"}


def test_a_damaged_file_holds_up_nobody(process, root, database, rows):
    long = process.begin()
    others(process)
    keep(root, database, rules=SMALL)
    (file,) = (process.claim.folder / long_calls.NAME).iterdir()
    file.write_bytes(b"damaged")
    process.end(long)
    good = process.call("Good.")
    keep(root, database, rules=SMALL)
    found = {row["id"]: row["status"] for row in rows("interceptions")}
    assert found[good] == "completed"
    assert found[long.id] == "failed"  # interrupted, as nobody can go on with it


def test_a_full_disk_lets_the_journal_stay(process, root, database, rows, monkeypatch):
    long = process.begin()
    others(process)

    def full(_: object) -> None:
        raise OSError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(long_calls, "keep", full)
        keep(root, database, rules=SMALL)
    process.end(long)
    keep(root, database, rules=SMALL)
    assert {row["status"] for row in rows("interceptions")} == {"completed"}
