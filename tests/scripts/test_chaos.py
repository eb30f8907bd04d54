import time

import pytest

from scripts.faults.altered import SteppedClock, step
from scripts.faults.processes import KillBridge
from scripts.faults.rounds import gone
from scripts.faults.several import PauseOneOfTwo
from scripts.faults.verdict import judge
from scripts.kill_asks import KINDS, USAGE, Ask
from tests.builders import Call, new_database, record

TITLES = ("replayed", "requests", "refused", "completed", "found", "duplicates", "lost", "wrong")
PROMPT = "Tell me a quick story, number 1-0."
SEEN = Ask(PROMPT, KINDS[0], 0.0, began=True, ended=True)
UNSEEN = Ask(PROMPT, KINDS[0], 0.0, began=True)
TOKENS = (USAGE.input, USAGE.output, 0, 0)


def call(number, **more):
    facts = {"prompts": (PROMPT,), "tokens": (TOKENS,), "session": "s"}
    return Call(number, **(facts | more))


def judged(tmp_path, ask, *calls, statement=None):
    """The verdict on an answer, with these calls on record."""
    url = f"sqlite:///{tmp_path / 'aibridge.db'}"
    database = new_database(url)
    with database.write() as connection:
        record(connection, *calls)
        if statement:
            connection.exec_driver_sql(statement)
    database.close()
    return judge(url, [ask])


def test_no_answer_is_lost_or_there_twice_after_a_fault(script):
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


def test_a_clock_is_off_by_what_its_file_says(tmp_path, monkeypatch):
    monkeypatch.setattr(time, "time_ns", lambda: 5 * 10**9)
    step(tmp_path / "clock", 3600)
    clock = SteppedClock(tmp_path / "clock")
    assert (clock.time_ns(), clock.time()) == (3605 * 10**9, 3605.0)
    step(tmp_path / "clock", -2)
    assert clock.time() == 3.0
