import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO
from threading import Thread
from typing import Any

import pytest
from rich.console import Console
from sqlalchemy import Connection
from typer.testing import CliRunner, Result

from aibridge.api.app import create_app
from aibridge.api.services import Services
from aibridge.cli import sessions
from aibridge.cli.thread_tree import MAX_DEPTH, MAX_SHOWN
from aibridge.contract import MinimalUser, SessionDetail, SiteRole
from aibridge.principals import Person
from aibridge.sessions import reading
from aibridge.sessions.reading import ThreadPage
from aibridge.store.engine.database import Database
from tests.builders import ANA, BEN, CLEO, Call, add_user, forget, record, uid
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
                costs=(12_345,),
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
    assert all(text in row for text in ("a/b", "ana", "Claude Code", "1200", "34", "$0.012345"))


def test_list_gives_the_json_of_the_api(run: Run) -> None:
    (session,) = json.loads(run("list", "--json").stdout)
    assert session["id"] == "a/b"


def test_list_is_filtered_and_paged(run: Run) -> None:
    def ids(*arguments: str) -> list[str]:
        answer = json.loads(run("list", "--json", *arguments).stdout)
        return [one["id"] for one in answer]

    assert ids("--session-id", "a/b", "--model", "sonnet", "--client", "Claude Code") == ["a/b"]
    assert ids("--initiator", "ana", "--provider", "anthropic", "--provider-name", "claude")
    assert ids("--started-after", "2026-01-01T01:00:00+01:00") == ["a/b"]
    assert ids("--started-before", "2025-12-31T23:59:59Z") == []
    assert ids("-q", "model:opus") == []
    assert ids("--after-id", "a/b") == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--limit", "0"), "expected a number from 1 to 1000"),
        (("--limit", "1001"), "expected a number from 1 to 1000"),
        (("--started-after", "noon"), "expected a date, a time with its offset, or how long ago"),
        (
            ("--started-before", "2026-01-01T12:00:00"),
            "expected a date, a time with its offset, or how long ago",
        ),
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


def people_tell(connection: Connection) -> None:
    """A day of one session: a sub-agent, an interruption, retries, a compaction, a queued word."""
    failed = {"status": "failed", "error_type": "overloaded", "error_message": "busy"}
    record(
        connection,
        Call(1, session="day", prompts=("fix the test",), tools=("Task",)),
        Call(2, at=1, session="day", kind="side_call", prompts=("Write a title",)),
        Call(
            3,
            at=2,
            session="day",
            kind="subagent",
            agent_type="Explore",
            parent=1,
            prompts=("find it",),
            tools=("grep",),
        ),
        Call(4, at=3, session="day", root=3, parent=3, prompts=("<note>",), kind="automation"),
        Call(5, at=4, session="day", root=1, parent=1, columns={"status": "cancelled"}),
        Call(6, at=5, session="day", parent=5, prompts=("no, the other",), columns=failed),
        Call(7, at=6, session="day", root=6, kind="retry", prompts=("no, the other",)),
        Call(
            8,
            at=7,
            session="day",
            root=6,
            parent=7,
            prompts=("and be quick",),
            tokens=((3, 120, 0, 0),),
            token_metadata={"estimated": True},
        ),
        Call(9, at=8, session="day", kind="compaction", prompts=("Summarize",)),
        Call(
            10,
            at=9,
            session="day",
            prompts=("So far: …", "go on"),
            prompt_kinds=("summary", "typed"),
        ),
    )


def told(lines: list[str]) -> list[tuple[int, str]]:
    """Return the lines of a tree, each with how deep it stands."""
    bare = [line.lstrip("│├└─ \xa0") for line in lines]
    return [
        ((len(line) - len(text)) // 4, text) for line, text in zip(lines, bare, strict=True) if text
    ]


TOLD = [
    (1, "fix the test"),
    (2, "tool Task"),
    (2, "final cancelled"),
    (2, "sub-agent Explore: find it"),
    (3, "tool grep"),
    (3, "automation: <note>"),
    (1, "side call: Write a title"),
    (1, "no, the other"),
    (1, "after the one above was interrupted · sonnet"),
    (2, "typed: and be quick"),
    (1, "compaction: Summarize"),
    (1, "go on"),
    (2, "summary: So far: …"),
]


def test_a_session_is_told_as_a_person_would(database: Database) -> None:
    with database.write() as connection:
        forget(connection)
        people_tell(connection)
    found = reading.show_session(database, "day", ThreadPage(limit=50))
    assert found is not None
    lines = told(drawn(sessions.render_session(found)).splitlines())
    for depth, text in TOLD:
        assert [one for one, line in lines if line.startswith(text)] == [depth], text
    text = "\n".join(line for _, line in lines)
    assert "~3 in, ~120 out" in text
    assert "attempt 2 of 2" in text
    assert text.count("no, the other") == 1
    assert "busy" not in text


@pytest.mark.parametrize(
    ("last", "link"),
    [
        (Call(2, at=1, root=1, columns={"status": "cancelled"}), "above was interrupted"),
        (Call(2, at=1, root=1, tools=("bash",)), "above stopped at a tool"),
        (Call(2, at=1, root=1), "after the one above ·"),
        (Call(2, at=1, prompts=("meanwhile",)), "after an earlier one ·"),
    ],
)
def test_after_what_a_prompt_came_is_said_as_far_as_it_is_certain(
    database: Database, last: Call, link: str
) -> None:
    calls = [
        Call(1, prompts=("one",), tools=("bash",)),
        last,
        Call(3, at=2, parent=1, prompts=("two",)),
    ]
    with database.write() as connection:
        forget(connection)
        record(connection, *(replace(call, session="s") for call in calls))
    found = reading.show_session(database, "s", ThreadPage(limit=50))
    assert found is not None
    text = drawn(sessions.render_session(found))
    assert text.count(link) == text.count("after ") == 1


def test_texts_and_tool_calls_of_a_thread_are_drawn_in_the_order_of_their_requests(
    database: Database,
) -> None:
    calls = (
        Call(1, prompts=("look",), tools=("Agent",)),
        Call(2, at=1, root=1, parent=1),
        Call(3, at=2, root=1, parent=2, prompts=("it ended",), kind="automation", tools=("Read",)),
        Call(4, at=3, root=1, parent=3, prompts=("and now?",)),
    )
    with database.write() as connection:
        forget(connection)
        record(connection, *(replace(call, session="s") for call in calls))
    found = reading.show_session(database, "s", ThreadPage(limit=50))
    assert found is not None
    lines = [text for _, text in told(drawn(sessions.render_session(found)).splitlines())]
    wanted = ["look", "tool Agent", "automation: it ended", "tool Read", "typed: and now?", "final"]
    assert [each for line in lines for each in wanted if line.startswith(each)] == wanted


def test_less_is_drawn_of_what_nobody_typed(database: Database) -> None:
    calls = (
        Call(1, prompts=("Q" * 1_000,)),
        Call(2, at=1, root=1, parent=1, prompts=("X" * 1_000,)),
        Call(3, at=2, root=1, parent=2, prompts=("W" * 1_000,), kind="automation"),
    )
    with database.write() as connection:
        forget(connection)
        record(connection, *(replace(call, session="s") for call in calls))
    found = reading.show_session(database, "s", ThreadPage(limit=50))
    assert found is not None
    text = drawn(sessions.render_session(found))
    assert [text.count(letter) for letter in "QXW"] == [1_000, 1_000, 400]
    assert "… 600 more characters, see --json" in text


def test_sub_agents_of_sub_agents_are_drawn_to_a_depth(database: Database) -> None:
    with database.write() as connection:
        forget(connection)
        calls = (
            Call(n, at=n, session="deep", kind="subagent" if n else "typed", parent=n and n - 1)
            for n in range(300)
        )
        record(connection, *calls)
    found = reading.show_session(database, "deep", ThreadPage(limit=300))
    assert found is not None
    lines = told(drawn(sessions.render_session(found), 400).splitlines())
    assert max(depth for depth, _ in lines) == MAX_DEPTH + 2


def test_of_one_id_everybodys_session_can_be_shown_and_listed(
    run: Run, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "THREADS_A_PAGE", 1)
    with database.write() as connection:
        add_user(connection, BEN, "ben")
        record(
            connection,
            *(Call(10 + n, at=n, session="a/b", initiator=BEN) for n in range(3)),
            Call(20, at=1, session="between"),
        )
    for name, threads in (("ana", 2), ("ben", 3)):
        shown = json.loads(run("show", "a/b", "--initiator", name, "--json").stdout)
        assert (shown["initiator"]["username"], len(shown["threads"])) == (name, threads)
    rest = json.loads(run("list", "--json", "--after-id", "a/b", "--after-user", ANA).stdout)
    assert [one["id"] for one in rest] == ["between", "a/b"]


def test_show_pages_through_all_threads(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = json.loads(run("show", "a/b", "--json").stdout)
    monkeypatch.setattr(sessions, "THREADS_A_PAGE", 1)
    assert json.loads(run("show", "a/b", "--json").stdout) == whole
    assert [thread["id"] for thread in whole["threads"]] == [uid(1), uid(3)]


@pytest.mark.parametrize(
    ("arguments", "changes", "message"),
    [
        (["show", "nobody"], {}, "aibridge: there is no session 'nobody'\n"),
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


def test_whoever_goes_on_after_an_id_alone_loses_no_session_of_two_people(
    run: Run, database: Database
) -> None:
    with database.write() as connection:
        add_user(connection, BEN, "ben")
        newest, oldest = Call(50, 50, session="one"), Call(60, 3, session="one", initiator=BEN)
        between = (Call(n, n, session=f"s{n}") for n in range(10, 20))
        record(connection, newest, *between, oldest)
    seen: list[tuple[str, str]] = []
    more: tuple[str, ...] = ()
    while page := json.loads(run("list", "--json", "--limit", "1", *more).stdout):
        seen += [(one["id"], one["initiator"]["username"]) for one in page]
        more = ("--after-id", page[-1]["id"])
        assert len(seen) < 20
    assert len(seen) == len(set(seen)) == 13
