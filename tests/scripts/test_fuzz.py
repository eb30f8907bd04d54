"""The fuzzer: that it runs every reader, is repeatable, and finds what it looks for."""

import mmap
import signal

import pytest

from scripts import fuzz
from scripts.fuzzing import inputs, measure
from scripts.fuzzing.inputs import make
from scripts.fuzzing.readers import Reader, readers

READERS = readers()


@pytest.mark.parametrize("name", READERS)
def test_no_reader_raises_or_takes_much_memory(name):
    result = measure.run(READERS[name], name, 7, range(60), lambda _: None)
    assert (result.inputs, result.shown, result.failures) == (60, [], 0)
    assert result.growth[0] <= measure.MAX_GROWTH


@pytest.mark.parametrize("name", READERS)
def test_the_same_seed_makes_the_same_inputs(name):
    reader = READERS[name]

    def made(seed: int) -> list[tuple[bytes, str]]:
        return [make(reader.maker, name, seed, n, codings=reader.codings)[:2] for n in range(30)]

    assert made(1) == made(1)
    assert made(1) != made(2)


def test_inputs_are_small_and_some_are_large():
    sizes = [len(make(inputs.anything, "x", 1, n, codings=0.0).data) for n in range(2000)]
    assert sorted(sizes)[1800] < 4096
    assert 50_000 < max(sizes) <= inputs.MAX_SIZE


def fails(_given: inputs.Input) -> None:
    raise KeyError("what was looked for")


def test_what_is_raised_fails_with_the_number_of_the_input():
    result = measure.run(Reader(inputs.query, fails), "x", 1, [41], lambda _: None)
    assert not result.good
    assert result.failures == 1
    assert result.shown[0].startswith("x 41: ")
    assert "what was looked for" in result.shown[0]


@pytest.mark.parametrize(
    ("result", "good"),
    [
        (measure.Result(), True),
        (measure.Result(slowest=(measure.MAX_MS, 1), growth=(measure.MAX_GROWTH, 1)), True),
        (measure.Result(slowest=(measure.MAX_MS + 1, 1)), False),
        (measure.Result(growth=(measure.MAX_GROWTH + 1, 1)), False),
        (measure.Result(failures=1), False),
    ],
)
def test_what_is_slow_large_or_raised_is_not_good(result, good):
    assert result.good is good


def test_growth_is_seen():
    def grows(_given: inputs.Input) -> None:
        with mmap.mmap(-1, 40 << 20) as fresh:  # not what the allocator had from before
            fresh[:: mmap.PAGESIZE] = bytes(len(fresh) // mmap.PAGESIZE)

    result = measure.run(Reader(inputs.query, grows), "x", 1, [1], lambda _: None)
    assert result.growth[0] > 39 << 20


def test_the_command_runs_what_it_is_told(capsys):
    assert fuzz.main(["--inputs", "30", "--seed", "3", "--only", "search", "--only", "sse"]) in {
        0,
        1,
    }
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[0] for line in lines[1:3]} == {"search", "sse"}
    assert all(line.split()[1] == "30" for line in lines[1:3])


def test_a_process_that_is_killed_tells_its_input(monkeypatch, capsys):
    def dies(given: inputs.Input) -> None:
        signal.raise_signal(signal.SIGALRM)

    monkeypatch.setattr(fuzz, "readers", lambda: {"x": Reader(inputs.query, dies)})
    assert fuzz.main(["--inputs", "5"]) == 1
    assert "x 0: killed" in capsys.readouterr().out


def test_a_reader_that_there_is_not_is_refused(capsys):
    assert fuzz.main(["--only", "nobody"]) == 2
    assert "messages-request" in capsys.readouterr().err


def test_one_input_is_shown(capsys):
    assert fuzz.main(["--only", "search", "--input", "5"]) in {0, 1}
    assert capsys.readouterr().out.startswith("search 5: ")
