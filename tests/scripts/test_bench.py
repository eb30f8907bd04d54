import asyncio
import io
import signal
import subprocess
import sys

import httpx
import pytest

from scripts import bench
from scripts.benching import load, peers, targets
from scripts.benching.load import Load, Order, Result
from scripts.benching.peers import Launch, Peer, running
from scripts.benching.table import HEADINGS, Run, table
from scripts.benching.traffic import EVENTS, WHOLE_BYTES, request_body, stream_events, whole_answer

SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked = self.rfile.read(int(self.headers["content-length"])).decode()
        self.send_response(200 if self.headers["x-answer"] in asked else 500)
        self.send_header("content-length", "0")
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
"""A peer that serves whom its header and its model tell of the same answer."""


def test_the_benchmark_finds_every_request_on_record_where_no_peer_can_be_installed(
    script, monkeypatch, tmp_path
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("npm_config_offline", "true")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    done = script("bench", "--quick", "--peers")
    assert (done.returncode, done.stderr) == (0, "")
    assert "78 KB in, 60 events out, c=16" in done.stdout
    assert "start to ready: bridge " in done.stdout
    assert "memory, idle, of all processes: bridge " in done.stdout
    assert "LiteLLM is not measured: ERROR: " in done.stdout
    assert "Portkey is not measured: " in done.stdout
    recorded, sent = done.stdout.splitlines()[-1].rpartition(": ")[2].split(" of ")
    assert recorded == sent != "0"


def test_without_peers_none_is_installed(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["bench"])
    assert bench._options().peers is False


def test_the_traffic_is_of_the_size_that_is_said():
    assert len(request_body(0.5, stream=False)) == 512
    assert len(request_body(78, stream=True)) == 78 * 1024
    assert len(whole_answer()) == WHOLE_BYTES
    assert len(stream_events()) == EVENTS


def run_of(cpu, children=0.0, requests=100):
    """A load of a second, with so many microseconds of processor time a request."""
    result = Result(1.0, 0, [0.001] * requests, [0.002] * requests)
    return Run(result, cpu * requests / 1e6, (cpu + children) * requests / 1e6)


def cells(runs):
    """The table's rows by target, and in them the first five columns."""
    _, *rows = table("a load", runs)
    return {name: values[:5] for name, *values in map(str.split, rows)}


def test_processor_time_is_also_a_multiple_of_nginxs_for_the_process_and_for_all():
    runs = {"bridge": [run_of(200, 150)], "nginx": [run_of(50)], "direct": [run_of(0)]}
    assert cells(runs) == {
        "bridge": ["100", "200", "4.0", "350", "7.0"],
        "nginx": ["100", "50", "1.0", "50", "1.0"],
        "direct": ["100", "-", "-", "-", "-"],
    }


def test_a_multiple_is_of_the_same_round_so_that_a_slow_round_falls_on_both():
    runs = {"bridge": list(map(run_of, (100, 900, 300))), "nginx": list(map(run_of, (50, 450, 50)))}
    assert cells(runs)["bridge"] == ["100", "300", "2.0", "300", "2.0"]


@pytest.mark.parametrize("nginx", [{}, {"nginx": [run_of(0)]}], ids=["absent", "not counted"])
def test_there_is_no_multiple_without_nginxs_time(nginx):
    assert cells({"bridge": [run_of(200)], **nginx})["bridge"] == ["100", "200", "-", "200", "-"]


def test_a_row_has_as_many_cells_as_there_are_headings():
    heading, row = table("", {"bridge": [run_of(200)]})
    assert len(heading) == len(row)
    assert len(row.split()) - 1 == len(HEADINGS)


def program(*words):
    return (sys.executable, "-c", *words)


THERE = program("print('1.2')")
NOT_THERE = program("import sys; sys.exit('not found')")


def peer(name="Other", *, needs=(), install=(), version=THERE, serves=SERVER):
    """A peer that is there and serves, where nothing else is said."""

    def launch(place):
        headers = {"x-answer": '"{answer}"'}
        return Launch(program(serves, str(place.port)), headers=headers, model="{answer}")

    return Peer(name, needs, install, version, launch)


UNINSTALLABLE = {
    "a program that it needs is not there": (
        peer(needs=("no-such-program", "nor-this")),
        "there is no no-such-program and no nor-this",
    ),
    "its installation fails": (
        peer(
            version=NOT_THERE,
            install=[program("import sys; sys.exit('hm\\nERROR: no such package\\nsee the log')")],
        ),
        "ERROR: no such package",
    ),
    "its installer is not there": (
        peer(version=NOT_THERE, install=[("no-such-program",)]),
        "[Errno 2] No such file or directory: 'no-such-program'",
    ),
    "it is not there after that": (
        peer(version=NOT_THERE, install=[program("")]),
        "not found",
    ),
    "it does not start": (
        peer(serves="import sys; sys.exit('no key')"),
        "it ended with status 1: no key",
    ),
    "it passes on no streams": (
        peer(serves=SERVER.replace('["x-answer"] in', '["x-answer"] == \'"whole"\' and')),
        "it does not serve: 500: ",
    ),
}


@pytest.mark.parametrize(("broken", "reason"), UNINSTALLABLE.values(), ids=UNINSTALLABLE)
def test_a_peer_that_cannot_be_measured_is_named_with_the_reason_and_others_are(
    broken, reason, tmp_path, capsys
):
    cache, home = tmp_path / "cache", tmp_path
    with running([broken, peer("Fine")], home, 1, cache) as found:
        assert [target.name for target in found] == ["Fine"]
    said = capsys.readouterr().out.splitlines()
    assert said[-2:] == [f"Other is not measured: {reason}", "Fine 1.2"]


def test_a_peer_is_installed_once_into_a_folder_of_its_own(tmp_path, capsys):
    version = program("print(open('{folder}/version').read())".replace("{folder}", peers.FOLDER))
    install = [program(f"open('{peers.FOLDER}/version', 'x').write('3')")]
    for place in ("one", "two"):
        (home := tmp_path / place).mkdir()
        with running([peer(version=version, install=install)], home, 1, tmp_path / "cache") as [
            one
        ]:
            path, headers, body = one.request("held", request_body(0.5, stream=True))
            url = f"http://127.0.0.1:{one.port}{path}"
            answer = httpx.post(url, content=body, headers=headers, trust_env=False)
            assert (answer.status_code, path, one.peer) == (200, "/v1/messages", True)
    folder = tmp_path / "cache/other"
    assert capsys.readouterr().out == f"installing Other into {folder}\nOther 3\nOther 3\n"
    assert [file.name for file in folder.iterdir()] == ["version"]


def test_a_peer_gets_none_of_the_callers_own_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere")
    prints = "import os, sys; sys.exit(' '.join(sorted(os.environ)))"
    with running([peer(serves=prints)], tmp_path, 1, tmp_path / "cache") as found:
        assert found == []
    said = (tmp_path / "other/log").read_text().split()
    assert {"HOME", "PATH"} <= set(said) <= {"HOME", "PATH", "LC_CTYPE"}


@pytest.fixture
async def half():
    """A server that answers every second connection, and says nothing to the others."""
    made = []

    async def serve(reader, writer):
        made.append(writer)
        if len(made) % 2:
            await reader.readuntil(b"{}")
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        for writer in made:
            writer.close()


async def test_answers_that_do_not_come_are_errors_of_the_load_and_do_not_end_it(half, monkeypatch):
    monkeypatch.setattr(load, "OVERTIME_SECONDS", 0.2)
    result = await Load(Order(half, "/", "{}", 4, requests=4)).run()
    assert (len(result.totals), result.errors) == (2, 2)


async def test_streams_that_have_begun_are_held_where_others_do_not_begin(
    half, monkeypatch, capsys
):
    monkeypatch.setattr(load, "OVERTIME_SECONDS", 0.2)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    await Load(Order(half, "/", "{}", 4, hold=True)).hold()
    assert capsys.readouterr().out == "2\n"


def test_a_target_that_does_not_end_when_told_to_is_killed(monkeypatch):
    monkeypatch.setattr(targets, "STOP_SECONDS", 0.1)
    deaf = (
        "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    )
    process = subprocess.Popen(program(deaf), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with targets.ending(process):
        process.stdout.readline()  # it ignores signals from here on
    assert process.returncode == -signal.SIGKILL
