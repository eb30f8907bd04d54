"""The count of instructions: it is repeatable, and keeps processes apart."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scripts import count
from scripts.counting import figures
from scripts.counting.callgrind import Callgrind, CountError
from scripts.counting.counted import by_process, count_turn
from tests.scripts.conftest import ROOT

pytestmark = pytest.mark.timeout(200)
SECONDS = 180
"""For a count on a busy machine; it takes 22 where there is nothing else to do."""

Traced = tuple[Callgrind, int, Callable[[], None]]

CHILD = "while read -r _; do i=0; while [ $i -lt 2000 ]; do i=$((i+1)); done; echo; done"


@contextmanager
def traced(folder: Path, program: str, *arguments: str) -> Iterator[Traced]:
    """Run a program of the shell that is to be counted, and has worked once.

    Yields what counts it, its process, and a function that has it work: read a line and say one.
    """
    counts, file = folder / "counts", folder / "program"
    counts.mkdir()
    file.write_text(program)
    callgrind = Callgrind(counts)
    command = [*callgrind.words, "sh", str(file), *arguments, "serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        lines_in, lines_out = process.stdin, process.stdout

        def work() -> None:
            lines_in.write(b"\n")
            lines_in.flush()
            assert lines_out.readline() == b"\n"

        work()
        yield callgrind, process.pid, work
        process.communicate(b"\n")


def test_a_call_takes_no_more_instructions_than_is_stored(script):
    done = script("count", seconds=SECONDS)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "0.5 KB in, 1.5 KB out" in done.stdout
    assert "78 KB in, 60 events out" in done.stdout


def test_the_same_work_takes_the_same_instructions_again(tmp_path):
    callgrind = Callgrind(tmp_path)
    assert count_turn(callgrind) == pytest.approx(count_turn(callgrind), rel=0.02)


def test_processes_that_a_process_starts_are_counted_apart(tmp_path):
    child = tmp_path / "child"
    child.write_text(CHILD)
    with traced(tmp_path, 'sh "$1" aibridge.keeper; exit', str(child)) as (callgrind, pid, work):
        taken = by_process(callgrind.count(pid, work))
    assert taken.keys() == {"gateway", "keeper"}
    assert taken["gateway"] < 1000
    assert taken["keeper"] > 100_000


def test_a_process_that_begins_meanwhile_is_not_overlooked(tmp_path):
    program = "read -r _; echo; read -r _; sleep 60 & echo; read -r _; kill $!"
    with (
        traced(tmp_path, program) as (callgrind, pid, work),
        pytest.raises(CountError, match="began or ended"),
    ):
        callgrind.count(pid, work)


def test_a_process_that_nobody_named_is_not_passed_over():
    with pytest.raises(CountError, match="sweeper"):
        by_process({"python -m aibridge serve": 1, "python -m aibridge.sweeper": 1})


@pytest.mark.parametrize(
    ("found", "stored", "good", "remark"),
    [
        (10.0, 10.0, True, ""),
        (10.49, 10.0, True, ""),
        (9.51, 10.0, True, ""),
        (10.51, 10.0, False, "gateway, small: grew by 5.1%; 5% are allowed"),
        (9.4, 10.0, True, "gateway, small: fell by 6.0%; scripts/count --store keeps it there"),
        (10.0, None, False, "gateway, small: no figure is stored; scripts/count --store adds it"),
        (
            None,
            10.0,
            False,
            "gateway, small: nothing was counted; scripts/count --store removes its figure",
        ),
    ],
)
def test_a_figure_is_good_up_to_five_percent_over_the_stored_one(found, stored, good, remark):
    def table(figure: float | None) -> figures.Figures:
        return {} if figure is None else {"gateway": {"small": figure}}

    (compared,) = figures.compare(table(found), table(stored))
    assert (compared.is_good, compared.remark) == (good, remark)


def test_growth_of_one_process_fails_though_another_shrinks(tmp_path, monkeypatch, capsys):
    file = tmp_path / "figures.toml"
    figures.write({"gateway": {"small": 10.0}, "keeper": {"small": 10.0}}, file)
    found = {"gateway": {"small": 5.0}, "keeper": {"small": 12.0}}
    monkeypatch.setattr(count, "count", lambda: (1000.0, found))
    assert count.main(["--figures", str(file)]) == 1
    assert "keeper, small: grew by 20.0%" in capsys.readouterr().out


def test_what_is_stored_is_compared_with_from_then_on(tmp_path, monkeypatch, capsys):
    file = tmp_path / "figures.toml"
    figures.write({"gateway": {"small": 1.0}}, file)
    monkeypatch.setattr(count, "count", lambda: (1000.0, {"gateway": {"small": 10.0}}))
    assert count.main(["--figures", str(file)]) == 1
    assert count.main(["--figures", str(file), "--store"]) == 0
    assert count.main(["--figures", str(file)]) == 0
    assert figures.read(file) == (figures.this_python(), {"gateway": {"small": 10.0}})
    assert figures.this_python() in capsys.readouterr().out


def test_it_says_so_where_valgrind_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CountError, match="install the package valgrind"):
        Callgrind(tmp_path)


@pytest.mark.parametrize(
    ("user", "said", "asked"),
    [
        (1000, "install the package valgrind", ""),
        (0, "", "install -qq -y --no-install-recommends valgrind\nupdate -qq\n"),
    ],
)
def test_a_missing_valgrind_is_installed_by_root_and_named_to_others(tmp_path, user, said, asked):
    log = tmp_path / "asked"
    log.touch()
    for name, text in {"id": f"echo {user}", "apt-get": f'echo "$@" >>{log}; exit 1'}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    for name in ("bash", "dirname"):
        (tmp_path / name).symlink_to(f"/usr/bin/{name}")
    done = subprocess.run(
        [ROOT / "scripts" / "install", "dev"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode != 0
    assert said in done.stderr
    assert log.read_text() == asked
