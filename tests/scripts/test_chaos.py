import random
import time

import pytest

from aibridge.journal.folders import journals
from aibridge.journal.reader import Entry, Reader
from scripts.chaos import TITLES
from scripts.faults.altered import SteppedClock, step
from scripts.faults.fault import Scene
from scripts.faults.journals import DamagedJournal, TornTail
from scripts.faults.processes import KillBridge
from scripts.faults.rounds import gaps, gone
from scripts.faults.several import PauseOneOfTwo
from scripts.faults.verdict import judge
from scripts.kill_asks import KINDS, USAGE, Ask
from tests.builders import Call, new_database, record
from tests.keeper.journals import Gateway

PROMPT = "Tell me a quick story, number 1-0."
SEEN = Ask(PROMPT, KINDS[0], 0.0, began=True, ended=True, size=4000)
UNSEEN = Ask(PROMPT, KINDS[0], 0.0, began=True)
TOKENS = (USAGE.input, USAGE.output, 0, 0)


def call(number, *, columns=None, **more):
    sizes = {"request_bytes": len(SEEN.content), "response_bytes": SEEN.size}
    facts = {"prompts": (PROMPT,), "tokens": (TOKENS,), "session": "s"}
    return Call(number, columns=sizes | (columns or {}), **(facts | more))


def judged(tmp_path, ask, *calls, statement=None, damaged=()):
    """The verdict on an answer, with these calls on record."""
    url = f"sqlite:///{tmp_path / 'aibridge.db'}"
    database = new_database(url)
    with database.write() as connection:
        record(connection, *calls)
        if statement:
            connection.exec_driver_sql(statement)
    database.close()
    return judge(url, [ask], damaged)


def test_no_answer_is_lost_or_there_twice_after_a_fault(script):
    """Killed keepers with one engine, a machine that dies with the other."""
    done = script("chaos", "--quick", "--clients", "12")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    total = done.stdout.splitlines()[-1].split()[-len(TITLES) :]
    counts = dict(zip(TITLES, map(int, total), strict=True))
    assert counts["found"] == counts["completed"] > 0
    assert counts["duplicates"] == counts["lost"] == counts["wrong"] == 0


def test_an_answer_that_is_on_record_as_it_was_is_found(tmp_path):
    verdict = judged(tmp_path, SEEN, call(1))
    assert (verdict.found, verdict.lost, verdict.duplicates, verdict.wrong) == (1, 0, 0, [])


def test_an_answer_that_was_seen_and_is_not_on_record_is_lost(tmp_path):
    assert judged(tmp_path, SEEN).lost == 1


def test_an_answer_on_record_without_its_tokens_or_its_end_is_lost(tmp_path):
    (tmp_path / "tokens").mkdir()
    assert judged(tmp_path, SEEN, call(1, columns={"status": "failed"})).lost == 1
    assert judged(tmp_path / "tokens", SEEN, call(1, tokens=())).lost == 1


@pytest.mark.parametrize(
    "columns", [{"response_bytes": 3999}, {"notes": '["a part of it may be missing"]'}]
)
def test_an_answer_that_is_on_record_in_part_or_in_doubt_is_lost(tmp_path, columns):
    assert judged(tmp_path, SEEN, call(1, columns=columns)).lost == 1


def test_a_request_that_is_not_on_record_as_it_was_sent_is_wrong_seen_or_not(tmp_path):
    verdict = judged(tmp_path, UNSEEN, call(1, columns={"request_bytes": 1}))
    assert (verdict.lost, len(verdict.wrong)) == (0, 1)


def test_an_answer_that_the_fault_has_damaged_is_counted_as_such(tmp_path):
    verdict = judged(tmp_path, SEEN, damaged={PROMPT})
    assert (verdict.damaged, verdict.lost, verdict.wrong) == (1, 0, [])


def test_an_answer_whose_end_was_not_seen_may_be_missing(tmp_path):
    assert judged(tmp_path, UNSEEN).lost == 0


def test_an_answer_that_is_on_record_twice_is_a_duplicate_seen_or_not(tmp_path):
    assert judged(tmp_path, UNSEEN, call(1), call(2)).duplicates == 1


def test_what_is_left_running_is_wrong(tmp_path):
    verdict = judged(tmp_path, UNSEEN, call(1, running=True))
    assert verdict.wrong == ["1 interceptions are left running"]


def test_sums_that_are_not_those_of_the_rows_are_wrong(tmp_path):
    more = "UPDATE sessions SET input_tokens = input_tokens + 1"
    assert "sessions" in judged(tmp_path, SEEN, call(1), statement=more).wrong[0]


@pytest.mark.parametrize(
    ("fault", "log", "wrong"),
    [
        (KillBridge, "", []),
        (KillBridge, "[warning] server_gone server=1", ["a bridge was taken for gone"]),
        (PauseOneOfTwo, "[warning] server_gone server=1", []),
        (PauseOneOfTwo, "", ["no bridge was taken for gone"]),
    ],
)
def test_a_bridge_is_to_be_taken_for_gone_only_if_the_fault_is_about_that(fault, log, wrong):
    assert list(gone(fault, log)) == wrong


@pytest.fixture
def journal(tmp_path):
    """A folder of journals with one, which has a call from beginning to end."""
    root = tmp_path / "journal"
    process = Gateway(root)
    process.call(PROMPT)
    process.stop()
    return root


def contents(root):
    (folder,) = journals(root)
    reader = Reader(folder)
    found = [one.content for one in reader.read() if isinstance(one, Entry)]
    reader.close()
    return found


@pytest.mark.parametrize("seed", range(20))
def test_a_torn_tail_leaves_all_that_was_written_before_it(journal, tmp_path, seed):
    before = contents(journal)
    scene = Scene((), "sqlite:///", tmp_path)
    TornTail(scene, random.Random(seed)).harm(journals(journal)[0])  # noqa: S311 - repeatable
    assert contents(journal) == before


@pytest.mark.parametrize("seed", range(20))
def test_damage_to_an_entry_is_said_with_the_prompt_of_its_call(journal, tmp_path, seed):
    before = contents(journal)
    fault = DamagedJournal(Scene((), "sqlite:///", tmp_path), random.Random(seed))  # noqa: S311
    fault.harm(journals(journal)[0])
    assert fault.damaged == {PROMPT}
    assert len(contents(journal)) == len(before) - 1
    assert list(gaps(fault, "")) == ["nothing is said of the damage to the journal"]
    assert list(gaps(fault, "level=error event=journal_gap")) == []


def test_a_gap_that_no_fault_has_left_is_wrong(tmp_path):
    fault = TornTail(Scene((), "sqlite:///", tmp_path), random.Random(1))  # noqa: S311 - repeatable
    assert list(gaps(fault, "event=journal_gap")) == ["the journal has a gap that nobody made"]
    assert list(gaps(fault, "event=journal_tail_cut")) == []


def test_a_clock_is_off_by_what_its_file_says(tmp_path, monkeypatch):
    monkeypatch.setattr(time, "time_ns", lambda: 5 * 10**9)
    step(tmp_path / "clock", 3600)
    clock = SteppedClock(tmp_path / "clock")
    assert (clock.time_ns(), clock.time()) == (3605 * 10**9, 3605.0)
    step(tmp_path / "clock", -2)
    assert clock.time() == 3.0
