import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO
from threading import Thread
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from aibridge.api.app import create_app
from aibridge.api.services import Services
from aibridge.cli import sessions
from aibridge.cli.session_tree import MAX_SHOWN, render_sessions
from aibridge.contract import MinimalUser, SessionDetail, SiteRole
from aibridge.identity.people import Person
from aibridge.sessions import reading
from aibridge.sessions.reading import ThreadPage
from aibridge.store.database import Database
from aibridge.store.filters import Filter
from tests.builders import ANA, CLEO, Call, add_user, record, uid
from tests.databases import Databases
from tests.people import asking, person
from tests.serving import serving

Run = Callable[..., Result]

HOSTILE = "\x1b[31mred\x07 [bold]x[/bold] \u202eevil\x9b2J"


def _people(token: str) -> Person | None:
    return person(ANA, "ana", SiteRole.OWNER) if token == "good" else None


@pytest.fixture
def database(databases: Databases) -> Iterator[Database]:
    with databases.open() as database:
        fill(database)
        yield database


def fill(database: Database) -> None:
    with database.write() as connection:
        add_user(connection, ANA, "ana")
        record(
            connection,
            Call(
                1,
                session="a/b",
                prompts=("fix the [red]test[/red]",),
                tools=("read_file",),
                thoughts=("let me look",),
                tokens=((1200, 34, 5, 6),),
            ),
            Call(2, at=1, session="a/b", root=1, thoughts=("that is all",)),
            Call(
                3,
                at=2,
                session="a/b",
                prompts=(HOSTILE,),
                columns={"status": "failed", "error_type": "overloaded", "error_message": "busy"},
            ),
        )


@pytest.fixture
def run(database: Database) -> Iterator[Run]:
    """Run a command against a server that has one session."""
    with serving(create_app(Services(database, asking(_people)))) as url:
        yield _runner({"AIBRIDGE_URL": url, "AIBRIDGE_TOKEN": "good", "COLUMNS": "200"})


def _runner(environment: dict[str, str]) -> Run:
    def run(*arguments: str, **changes: str) -> Result:
        return CliRunner().invoke(sessions.app, arguments, env={**environment, **changes})

    return run


def drawn(drawing: Any, width: int = 120) -> str:
    file = StringIO()
    Console(width=width, file=file, highlight=False).print(drawing)
    return file.getvalue()


def test_list_shows_a_row_for_each_session(run: Run) -> None:
    result = run("list")
    assert result.exit_code == 0
    title, row = result.stdout.splitlines()
    assert title.split()[0] == "ID"
    assert all(text in row for text in ("a/b", "ana", "Claude Code", "1200", "34"))


def test_list_gives_the_json_of_the_api(run: Run) -> None:
    answer = json.loads(run("list", "--json").stdout)
    assert answer["count"] == 1
    assert answer["sessions"][0]["id"] == "a/b"


def test_list_is_filtered_and_paged(run: Run) -> None:
    def ids(*arguments: str) -> list[str]:
        answer = json.loads(run("list", "--json", *arguments).stdout)
        return [one["id"] for one in answer["sessions"]]

    assert ids("--session-id", "a/b", "--model", "sonnet", "--client", "Claude Code") == ["a/b"]
    assert ids("--initiator", "ana", "--provider", "anthropic", "--provider-name", "claude")
    assert ids("--started-after", "2026-01-01T01:00:00+01:00") == ["a/b"]
    assert ids("--started-before", "2025-12-31T23:59:59Z") == []
    assert ids("-q", "model:opus") == []
    assert ids("--after-id", "a/b") == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--limit", "0"), "limit value must be between 1 and 1000"),
        (("--limit", "1001"), "limit value must be between 1 and 1000"),
        (("--started-after", "noon"), "expected a time with its offset"),
        (("--started-before", "2026-01-01T12:00:00"), "expected a time with its offset"),
    ],
)
def test_a_wrong_filter_is_refused_before_anything_is_asked(
    arguments: tuple[str, ...], message: str
) -> None:
    result = _runner({"AIBRIDGE_URL": "http://127.0.0.1:1"})("list", *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


def test_show_draws_everything_on_record(run: Run) -> None:
    result = run("show", "a/b")
    assert result.exit_code == 0
    wanted = [
        "session a/b",
        "client Claude Code",
        "user ana",
        "models sonnet",
        "tokens 1,200 in, 34 out, cache 5 read, 6 written",
        "fix the [red]test[/red]",
        "thought let me look",
        "tool read_file",
        '"path": "a.txt"',
        "thought that is all",
        "final completed (end_turn)",
        "✗ overloaded busy",
    ]
    places = [result.stdout.find(text) for text in wanted]
    assert -1 not in places
    assert places == sorted(places)


def test_foreign_text_neither_steers_the_terminal_nor_is_read_as_markup(run: Run) -> None:
    for arguments in (["list"], ["show", "a/b"], ["show", "a/b", "--json"]):
        output = run(*arguments).stdout
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(output)
        assert "[bold]x[/bold]" in output
    assert json.loads(output)["threads"][1]["prompt"] == HOSTILE


def test_show_pages_through_all_threads(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = json.loads(run("show", "a/b", "--json").stdout)
    monkeypatch.setattr(sessions, "THREADS_A_PAGE", 1)
    assert json.loads(run("show", "a/b", "--json").stdout) == whole
    assert [thread["id"] for thread in whole["threads"]] == [uid(1), uid(3)]


@pytest.mark.parametrize(
    ("arguments", "changes", "message"),
    [
        (["show", "nobody"], {}, "aibridge: Session not found.\n"),
        (["list"], {"AIBRIDGE_TOKEN": ""}, "aibridge: no token: set AIBRIDGE_TOKEN or pass"),
        (["list"], {"AIBRIDGE_TOKEN": "bad"}, "aibridge: Authentication required. Send a valid"),
        (["list"], {"AIBRIDGE_TOKEN": "g\nd"}, "aibridge: the token holds characters"),
        (["list"], {"AIBRIDGE_URL": "http://127.0.0.1:1"}, "aibridge: cannot reach AI Bridge at"),
        (["list"], {"AIBRIDGE_URL": "nonsense"}, "aibridge: the URL of AI Bridge has to begin"),
        (["list"], {"AIBRIDGE_URL": "http://[x"}, "aibridge: cannot reach AI Bridge at"),
    ],
)
def test_an_error_is_one_line_on_stderr(
    run: Run, arguments: list[str], changes: dict[str, str], message: str
) -> None:
    result = run(*arguments, **changes)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith(message)
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"sessions": [{}], "count": 1}'])
def test_another_server_is_recognised(body: bytes) -> None:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Other) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        run = _runner({"AIBRIDGE_URL": f"http://127.0.0.1:{server.server_port}"})
        results = [run("list", "--token", "good"), run("show", "x", "--token", "good")]
        server.shutdown()
        thread.join()
    assert [result.exit_code for result in results] == [1, 1]
    assert all(result.stderr.count("\n") == 1 for result in results)


@pytest.mark.parametrize("command", ["list", "show"])
def test_the_help_of_each_command_ends_with_an_example(command: str) -> None:
    result = CliRunner().invoke(sessions.app, [command, "--help"])
    assert f"Example: aibridge sessions {command}" in result.stdout.strip().splitlines()[-1]


def detail(database: Database) -> SessionDetail:
    found = reading.show_session(database, "a/b", ThreadPage(limit=50))
    assert found is not None
    return found


def test_a_session_can_be_drawn_without_the_command(database: Database) -> None:
    assert "read_file" in drawn(sessions.render_session(detail(database)))


def test_a_session_without_threads_says_so(database: Database) -> None:
    empty = detail(database).model_copy(update={"threads": []})
    assert "no threads" in drawn(sessions.render_session(empty))


def test_long_text_is_cut_and_what_is_left_out_is_counted(database: Database) -> None:
    found = detail(database)
    long = found.threads[0].model_copy(update={"prompt": "x" * (MAX_SHOWN + 1234)})
    text = drawn(sessions.render_session(found.model_copy(update={"threads": [long]})))
    assert "1,234 more characters" in text
    assert text.count("x") < MAX_SHOWN + 100


def test_a_list_keeps_ids_whole_in_a_narrow_terminal(database: Database) -> None:
    found = reading.list_sessions(database, Filter(), limit=10)
    row = found.sessions[0].model_copy(update={"id": uid(1)})
    text = drawn(render_sessions([row]), width=80)
    assert uid(1) in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_a_deleted_user_is_shown_by_id_and_hosted_tools_by_address(database: Database) -> None:
    found = detail(database)
    thread = found.threads[0]
    (action,) = thread.agentic_actions
    (call,) = action.tool_calls
    failed = {"server_url": "https://mcp.test", "invocation_error": "no such file", "input": "{"}
    action = action.model_copy(update={"tool_calls": [call.model_copy(update=failed)]})
    thread = thread.model_copy(update={"agentic_actions": [action], "prompt": None, "final": None})
    nobody = MinimalUser(id=CLEO, username="")
    changed = found.model_copy(update={"threads": [thread], "initiator": nobody})
    text = drawn(sessions.render_session(changed))
    for wanted in (f"user {CLEO}", "no prompt", "on https://mcp.test", "✗ no such file", "{"):
        assert wanted in text
