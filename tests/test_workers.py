"""Several processes that serve one socket, with one keeper, on either engine."""

import os
import signal
from pathlib import Path

from aibridge.journal.catching_up import ends
from aibridge.journal.format import HEAD_BYTES
from aibridge.journal.segments import SUFFIX
from tests.gateway import samples
from tests.processes import MESSAGES, STOPPED, is_alive, statuses, until
from tests.wire import PATIENCE, STREAM_HEAD, Caller, Then, Wire, chunk

EVENTS = samples.EVENTS["messages"]


def asking_endlessly(wire: Wire) -> None:
    wire.always(*samples.framed(samples.body("messages", stream=True), "chunked", stream=True))


def test_workers_share_a_socket_and_a_keeper_and_stop_together(wire, home):
    asking_endlessly(wire)
    with home.serving(wire, "--workers", "2") as process:
        workers, keeper = until(lambda: two(process.workers)), process.keeper
        for worker in workers:
            os.kill(worker, signal.SIGSTOP)  # so that the other one serves
            assert process.ask(f"without {worker}", process.token).status == 200
            os.kill(worker, signal.SIGCONT)
        process.popen.send_signal(signal.SIGTERM)
        assert process.popen.wait(PATIENCE) in STOPPED
        assert not any(map(is_alive, [*workers, keeper]))
        assert statuses(home) == {f"without {worker}": "completed" for worker in workers}
        _, said = process.end(signal.SIGTERM)
    assert said == ""
    assert all(end > 0 for end in ends(home.folder / "journal").values())


def two(pids: list[int]) -> list[int]:
    return pids if len(pids) == 2 else []


def has_call(worker: int) -> bool:
    """Say whether there is anything in a worker's journal."""
    files = [file.readlink() for file in Path(f"/proc/{worker}/fd").iterdir()]
    return any(file.suffix == SUFFIX and file.stat().st_size > HEAD_BYTES for file in files)


def test_a_worker_that_is_killed_is_begun_anew_and_its_calls_are_closed(wire, home):
    wire.play(STREAM_HEAD, chunk(EVENTS[0]), Then.STALL)
    body = samples.encoded(samples.request("messages", "cut", stream=True))
    with home.serving(wire, "--workers", "2") as process:
        workers = until(lambda: two(process.workers))
        with Caller(process.url) as caller:
            caller.send(MESSAGES, headers=[("x-api-key", process.token)], body=body)
            caller.begin()
            os.kill(next(worker for worker in workers if has_call(worker)), signal.SIGKILL)
            until(lambda: statuses(home) == {"cut": "failed"})
        asking_endlessly(wire)
        assert process.ask("after", process.token).status == 200
        code, said = process.end(signal.SIGTERM)
    assert said.count("worker_ended") == 1
    assert code in STOPPED
    assert statuses(home) == {"cut": "failed", "after": "completed"}


def test_a_keeper_that_is_killed_is_taken_for_no_worker(wire, home):
    asking_endlessly(wire)
    with home.serving(wire, "--workers", "2") as process:
        workers = until(lambda: two(process.workers))
        keeper = process.keeper
        os.kill(keeper, signal.SIGKILL)
        assert process.ask("after", process.token).status == 200
        until(lambda: statuses(home) == {"after": "completed"})
        assert process.keeper != keeper
        assert process.workers == workers
        code, said = process.end(signal.SIGTERM)
    assert code in STOPPED
    (line,) = said.splitlines()
    assert "event=keeper_ended" in line


def test_workers_and_keeper_end_when_what_began_them_is_killed(wire, home):
    with home.serving(wire, "--workers", "2") as process:
        pids = [*until(lambda: two(process.workers)), process.keeper]
        os.kill(process.popen.pid, signal.SIGKILL)
        until(lambda: not any(map(is_alive, pids)))
