"""The server as a process: started, stopped, killed, and what it says meanwhile."""

import os
import shlex
import signal
import socket
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPException
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from aibridge import server
from aibridge.identity.first import has_users
from aibridge.journal.format import HEAD_BYTES
from aibridge.listener.sockets import ListenError
from aibridge.server import _warn, _without_keys
from aibridge.settings import load
from aibridge.store.engine.addresses import shown
from aibridge.store.engine.database import Database, database_file, parts
from aibridge.store.record import partitions
from scripts.processes import children, lives
from tests.bridge import KEY
from tests.gateway import samples
from tests.processes import (
    MESSAGES,
    ROOT,
    STOPPED,
    Home,
    command,
    environment,
    is_alive,
    popen,
    serving,
    statuses,
    until,
)
from tests.ready import Program, ready
from tests.terminal import COMMAND, PREPARING
from tests.wire import PATIENCE, STREAM_HEAD, Caller, Then, ask, chunk, reply


def test_a_first_start_makes_the_owner_and_later_ones_do_not(wire, home):
    wire.always(*samples.framed(samples.body("messages", stream=True), "chunked", stream=True))
    with home.serving(wire) as process:
        assert process.ask("one", process.token).status == 200
        token = process.token
        code, said = process.end(signal.SIGTERM)
    assert (code in STOPPED, said) == (True, "")
    with home.serving(wire, new=False) as process:
        assert process.ask("two", token).status == 200
        _, said = process.end(signal.SIGINT)
    assert "Traceback" not in said
    assert statuses(home) == {"one": "completed", "two": "completed"}


def test_a_start_says_from_which_database_it_serves(wire, home):
    file = database_file(home.url)
    assert greeting(home.popen(wire)).endswith(f" from {file or shown(parts(home.url))}\n")


def test_the_command_that_a_start_names_for_a_lost_token_reaches_its_database(wire, home):
    for named in ("make another with aibridge", "token: aibridge"):
        with home.popen(wire) as process:
            line = next(line for line in process.stdout if named in line)
            process.kill()
        words = shlex.split(line.partition(named)[2])
        program = Program(COMMAND, words, "/", environment())
        made = ready(PREPARING).run(program)
        assert (made.returncode, made.stderr[:16]) == (0, "Shown this once."), made.stderr


def greeting(process):
    """Return the line by which a start says that it serves, and end the server."""
    with process:
        line = next(line for line in process.stdout if " serves http" in line)
        process.kill()
    return line


def test_what_was_answered_survives_kill_9(wire, home):
    """Guarantee 2, the hard way: many calls, and no warning before the end."""
    events = samples.EVENTS["messages"]
    wire.always(STREAM_HEAD, *map(chunk, events), b"0\r\n\r\n")
    whole = b"".join(events)
    seen: list[str] = []
    enough = threading.Event()
    with home.serving(wire) as process:
        token = process.token

        def keep_asking(caller: int) -> None:
            for number in range(10_000):
                try:
                    answer = process.ask(f"{caller}-{number}", token)
                except (OSError, HTTPException):
                    return
                assert answer.body == whole
                seen.append(f"{caller}-{number}")
                if len(seen) > 100:
                    enough.set()

        with ThreadPoolExecutor(8) as callers:
            jobs = [callers.submit(keep_asking, number) for number in range(8)]
            assert enough.wait(20)
            process.end(signal.SIGKILL)
            for job in jobs:
                job.result(20)
    found = statuses(home)
    assert len(seen) > 100
    assert {prompt: found.get(prompt) for prompt in seen} == dict.fromkeys(seen, "completed")

    with home.serving(wire, new=False) as process:
        assert process.ask("after", token).status == 200
        process.end(signal.SIGTERM)
    after = statuses(home)
    assert "running" not in after.values()
    assert after["after"] == "completed"
    assert found.keys() <= after.keys()


def test_what_was_under_way_at_a_kill_is_closed_at_the_next_start(wire, home):
    wire.play(STREAM_HEAD, chunk(samples.EVENTS["messages"][0]), Then.STALL)
    body = samples.encoded(samples.request("messages", "cut", stream=True))
    with home.serving(wire) as process, Caller(process.url) as caller:
        caller.send(MESSAGES, headers=[("x-api-key", process.token)], body=body)
        caller.begin()
        os.kill(process.keeper, signal.SIGKILL)  # it would close what was cut by itself
        process.end(signal.SIGKILL)
    with home.serving(wire, new=False) as process:
        until(lambda: statuses(home) == {"cut": "failed"})
        code, said = process.end(signal.SIGTERM)
    assert (code in STOPPED, said) == (True, "")


def test_the_keeper_ends_with_a_server_that_is_killed_and_closes_what_was_under_way(wire, home):
    wire.play(STREAM_HEAD, chunk(samples.EVENTS["messages"][0]), Then.STALL)
    body = samples.encoded(samples.request("messages", "cut", stream=True))
    with home.serving(wire) as process, Caller(process.url) as caller:
        caller.send(MESSAGES, headers=[("x-api-key", process.token)], body=body)
        caller.begin()
        keeper = process.keeper
        process.end(signal.SIGKILL)
        until(lambda: not is_alive(keeper))
    assert statuses(home) == {"cut": "failed"}


def test_a_server_ends_after_its_keeper_which_has_read_everything(wire, home):
    """What ends a service kills what is left of it once the server itself has ended."""
    wire.always(*samples.framed(samples.body("messages", stream=True), "chunked", stream=True))
    prompts = [f"number {number}" for number in range(20)]
    with home.serving(wire) as process, ThreadPoolExecutor(4) as callers:
        answers = callers.map(lambda prompt: process.ask(prompt, process.token), prompts)
        assert {answer.status for answer in answers} == {200}
        keeper = process.keeper
        process.popen.send_signal(signal.SIGTERM)
        assert process.popen.wait(PATIENCE) in STOPPED
        assert not is_alive(keeper)
        assert statuses(home) == dict.fromkeys(prompts, "completed")


def test_a_keeper_that_is_killed_is_begun_anew_and_goes_on(wire, home):
    wire.always(*samples.framed(samples.body("messages", stream=True), "chunked", stream=True))
    with home.serving(wire) as process:
        assert process.ask("one", process.token).status == 200
        keeper = process.keeper
        os.kill(keeper, signal.SIGKILL)
        assert process.ask("two", process.token).status == 200
        until(lambda: statuses(home) == {"one": "completed", "two": "completed"})
        assert process.keeper != keeper
        _, said = process.end(signal.SIGTERM)
    (line,) = said.splitlines()
    assert "event=keeper_ended" in line
    assert f"pid={keeper}" in line


def test_a_second_server_of_a_file_is_refused(wire, tmp_path):
    home = Home(tmp_path, f"sqlite:///{tmp_path / 'bridge.db'}")
    with home.serving(wire) as process:
        second = home.popen(wire)
        out, said = second.communicate(timeout=20)
        assert second.returncode != 0
        assert "another aibridge is serving the database" in said
        assert "Traceback" not in said
        assert out == ""
        wire.always(*samples.framed(samples.body("messages", stream=True), "chunked", stream=True))
        assert process.ask("one", process.token).status == 200


def test_a_port_that_is_taken_is_said(wire, tmp_path):
    process = popen(tmp_path, wire, "--port", str(wire.port))
    _, said = process.communicate(timeout=20)
    assert process.returncode == 2
    assert (
        said == f"aibridge: cannot listen on 127.0.0.1 port {wire.port}: address already in use\n"
    )
    assert not (tmp_path / "aibridge.db").exists()


@pytest.fixture
def start(monkeypatch, home):
    """Start a bridge within this process, without its log and its signals; what it announced."""
    for chore in ("set_up_logging", "_answer_signals"):
        monkeypatch.setattr(server, chore, lambda *_: None)

    def begin(trouble, match, *, port=0):
        flags = {"port": port, "database_url": home.url, "data_dir": home.folder}
        announced: list[str] = []
        with pytest.raises(trouble, match=match):
            server.run(load(None, {}, flags), announce=announced.append)
        return announced

    return begin


def test_an_owner_is_made_only_where_nobody_else_listens(start, home, monkeypatch):
    """Two programs may be bound to one address; the one that listens first has it."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", 0))
        monkeypatch.setattr(partitions, "prepare", lambda _database: other.listen())
        port = other.getsockname()[1]
        assert start(ListenError, "address already in use", port=port) == []
    with closing(Database(home.url)) as database:
        assert not has_users(database)


def test_the_owners_token_is_shown_although_the_rest_of_the_start_fails(start, monkeypatch):
    def fail(*_):
        raise OSError("no room")

    monkeypatch.setattr(server, "KeeperProcess", fail)
    news, without_keys = start(OSError, "no room")
    assert "Its token, shown only now" in news
    assert without_keys.endswith("no key is configured; callers bring their own")


def test_a_certificate_that_cannot_be_used_stops_the_start_before_an_owner_is_made(tmp_path):
    (tmp_path / "a.toml").write_text("tls_cert = 'nothing.pem'\ntls_key = 'nothing.pem'\n")
    ended = subprocess.run(
        command(tmp_path),
        env=environment(),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "tls_cert nothing.pem cannot be read" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "aibridge.db").exists()


def occupied(journals: Path) -> None:
    journals.touch(0o600)


def of_another_release(journals: Path) -> None:
    journals.mkdir(0o700)
    (journals / "1").mkdir()
    (journals / "1" / f"{0:020}.journal").write_bytes(b"aibj\xff".ljust(HEAD_BYTES, b"\0"))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [(occupied, "File exists"), (of_another_release, "it has version 255, and this release knows")],
)
def test_a_start_without_a_journal_ends_with_a_line_before_an_owner_is_made(
    wire, tmp_path, spoil, reason
):
    spoil(tmp_path / "journal")
    process = popen(tmp_path, wire)
    out, said = process.communicate(timeout=20)
    (line,) = [line for line in said.splitlines() if ROOT not in line]
    assert line.startswith(f"aibridge: no journal can be kept in {tmp_path / 'journal'}: {reason}")
    assert (process.returncode, out) == (2, "")


def test_the_log_holds_no_secret_whatever_happens(wire, tmp_path):
    """A provider's garbage, a bad token, a locked log-in: nothing of it shows a credential."""
    own = "sk-ant-own-secret-1234567890"
    with serving(tmp_path, wire, "--log-level", "debug") as process:
        token = process.token
        byok = [("x-ai-bridge-token", token), ("x-api-key", own)]
        for steps in (
            [reply(b"{}")],
            [b"garbage\r\n", Then.CLOSE],
            [Then.CLOSE],
            [b"HTTP/1.1 999 No\r\ncontent-length: 0\r\n\r\n"],
            [STREAM_HEAD, chunk(b"data: {\n\n"), Then.RESET],
        ):
            wire.forget()
            wire.always(*steps)
            for headers in (byok, [("authorization", f"Bearer {token}")]):
                try:
                    ask(process.url, MESSAGES, headers=headers, body=b"{}")
                except (OSError, HTTPException):
                    continue
        ask(process.url, MESSAGES, headers=[("x-api-key", f"{token}x")], body=b"{}")
        _, said = process.end(signal.SIGTERM)
    for secret in (token, token[11:], own, KEY):
        assert secret not in said


def test_a_websocket_that_is_refused_is_no_news(wire, tmp_path):
    """Codex tries one at every start: the log must not fill with that."""
    with serving(tmp_path, wire) as process:
        headers = [
            ("x-api-key", process.token),
            ("connection", "upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ]
        answer = ask(process.url, MESSAGES, method="GET", headers=headers)
        assert answer.status == 426
        _, said = process.end(signal.SIGTERM)
    assert said == ""


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2])
def test_a_signal_that_means_nothing_here_cuts_no_stream(wire, tmp_path, number):
    events = samples.EVENTS["messages"]
    go = threading.Event()
    wire.play(STREAM_HEAD, chunk(events[0]), go, *map(chunk, events[1:]), b"0\r\n\r\n")
    with serving(tmp_path, wire) as process, Caller(process.url) as caller:
        begin_stream(process, caller)
        process.popen.send_signal(number)
        assert process.popen.stderr is not None
        while "signal_ignored" not in (line := process.popen.stderr.readline()):
            assert line, "the signal was not logged"
        assert number.name in line
        go.set()
        caller.read_until(events[-1])


def test_sigquit_stops_in_good_order_as_sigterm_does(wire, tmp_path):
    events = samples.EVENTS["messages"]
    go = threading.Event()
    wire.play(STREAM_HEAD, chunk(events[0]), go, *map(chunk, events[1:]), b"0\r\n\r\n")
    with serving(tmp_path, wire) as process, Caller(process.url) as caller:
        begin_stream(process, caller)
        process.popen.send_signal(signal.SIGQUIT)
        go.set()
        caller.read_until(events[-1])
        _, said = process.popen.communicate(timeout=30)
    assert process.popen.returncode in STOPPED
    assert "Traceback" not in said


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_bridge_that_was_told_to_stop_has_ended_only_when_its_keeper_has(wire, tmp_path, workers):
    wire.always(*samples.framed(samples.body("messages", stream=True), "chunked", stream=True))
    with serving(tmp_path, wire, "--workers", workers) as process:
        assert process.ask("one", process.token).status == 200
        kept_by = children(process.popen.pid)
        process.popen.terminate()
        assert process.popen.wait(30) == 0
        assert [pid for pid in kept_by if lives(pid)] == []


def begin_stream(process, caller):
    """Have a stream under way, of which the first event has come."""
    body = samples.encoded(samples.request("messages", stream=True))
    caller.send(MESSAGES, headers=[("x-api-key", process.token)], body=body)
    caller.begin()
    caller.read_until(samples.EVENTS["messages"][0])


@pytest.mark.parametrize(
    ("options", "warned"),
    [
        ("", False),
        ('host = "localhost"', False),
        ('host = "0.0.0.0"', True),
        ('host = "::"', True),
        ('host = "0.0.0.0"\ntrusted_proxies = ["10.0.0.1"]', False),
    ],
)
def test_listening_beyond_this_machine_without_tls_is_warned_of(options, warned, tmp_path):
    (tmp_path / "a.toml").write_text(options)
    with capture_logs() as logs:
        _warn(load(tmp_path / "a.toml", {}, {}))
    assert ("tokens_travel_unencrypted" in {line["event"] for line in logs}) is warned


@pytest.mark.parametrize(
    ("options", "environ", "said"),
    [
        (
            "",
            {},
            "anthropic, openai, copilot: no key is configured; callers bring their own",
        ),
        (
            "",
            {"ANTHROPIC_API_KEY": "k", "OPENAI_API_KEY": "k"},
            "copilot: no key is configured; callers bring their own",
        ),
        (
            'allow_byok = false\n[[providers]]\ntype = "openai"\nname = "mine"',
            {},
            "mine: no key is configured; allow_byok is false, so their calls are refused",
        ),
        ('[[providers]]\ntype = "openai"\napi_keys = ["k"]', {}, ""),
    ],
)
def test_providers_without_a_key_are_named_at_the_start(options, environ, said, tmp_path):
    (tmp_path / "a.toml").write_text(options)
    assert _without_keys(load(tmp_path / "a.toml", environ, {})) == said


@pytest.mark.parametrize(("user", "warned"), [(0, True), (1000, False)])
def test_running_as_root_is_warned_of(user, warned, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: user)
    with capture_logs() as logs:
        _warn(load(None, {}, {}))
    assert ("runs_as_root" in {line["event"] for line in logs}) is warned
