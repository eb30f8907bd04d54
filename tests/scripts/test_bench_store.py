import re

from aibridge.store.engine.database import Database
from scripts.storing.build import build
from scripts.storing.made_up import Record


def test_every_list_is_timed_under_every_filter(script, tmp_path):
    address = f"sqlite:///{tmp_path / 'bench.db'}"
    arguments = ["--interceptions", "2000", "--times", "2", "--pair-times", "1"]
    done = script("bench-store", *arguments, "--database", address)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line for line in done.stdout.splitlines() if re.search(r"\d+\.\d +\d+$", line)]
    assert len(lines) > 50
    assert any(line.startswith("sessions  tokens>=300k ") for line in lines)


def test_a_record_is_the_same_in_one_go_and_in_several(databases):
    record = Record(3, 2, is_skewed=True)
    with databases.place() as first, databases.place() as second:
        whole, resumed = Database(first), Database(second)
        build(whole, record)
        build(resumed, record, most=1)
        build(resumed, record)
        assert ids(whole) == ids(resumed) != []
        whole.close()
        resumed.close()


def ids(database: Database) -> list[str]:
    with database.read() as connection:
        return list(
            connection.exec_driver_sql("SELECT id FROM interceptions ORDER BY id").scalars()
        )
