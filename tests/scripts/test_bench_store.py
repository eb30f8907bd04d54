import re

from aibridge.store.engine.database import Database
from scripts.storing.build import build


def test_every_list_is_timed_under_every_filter(script, tmp_path):
    address = f"sqlite:///{tmp_path / 'bench.db'}"
    arguments = ["--interceptions", "2000", "--times", "2", "--database", address]
    done = script("bench-store", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line for line in done.stdout.splitlines() if re.search(r"\d+\.\d +\d+$", line)]
    assert len(lines) > 50
    assert any(line.startswith("sessions  tokens>=300k ") for line in lines)


def test_a_record_is_the_same_in_one_go_and_in_several(databases):
    with databases.place() as first, databases.place() as second:
        whole, resumed = Database(first), Database(second)
        build(whole, interceptions=4000, seed=3)
        build(resumed, interceptions=4000, seed=3, most=1)
        build(resumed, interceptions=4000, seed=3)
        assert ids(whole) == ids(resumed) != []
        whole.close()
        resumed.close()


def ids(database: Database) -> list[str]:
    with database.read() as connection:
        return list(
            connection.exec_driver_sql("SELECT id FROM interceptions ORDER BY id").scalars()
        )
