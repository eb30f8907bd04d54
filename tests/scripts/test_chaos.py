import sqlite3

import pytest

from scripts.faults.load import Load
from scripts.faults.verdict import judge
from scripts.kill_asks import KINDS, USAGE, Ask
from tests.builders import new_database

TITLES = ("requests", "refused", "completed", "found", "duplicates", "lost", "wrong")


def test_no_answer_is_lost_or_there_twice_after_a_fault(script):
    done = script("chaos", "--quick", "--clients", "12")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    total = done.stdout.splitlines()[-1].split()[-len(TITLES) :]
    counts = dict(zip(TITLES, map(int, total), strict=True))
    assert counts["found"] == counts["completed"] > 0
    assert counts["duplicates"] == counts["lost"] == counts["wrong"] == 0
