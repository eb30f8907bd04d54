import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
import typer

from aibridge.cli import output
from aibridge.cli.output import escaped_json, moment, one_line, print_facts, short_moment, visible
from aibridge.cli.tables import Column, print_table

HOSTILE = "\x1b[31mred\x07 [bold]x[/bold] \u202eevil\x9b2J"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\nc", "a\tb\nc"),
        ("a\r\nb\rc", "a\nb␍c"),
        ("\x00\x1b\x7f\x9b", "␀␛␡\ufffd"),
        ("\u202e\ud800", "\ufffd\ufffd"),
        ("gr\u00fc\u00df \U0001f600", "gr\u00fc\u00df \U0001f600"),
    ],
)
def test_harmful_characters_are_made_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_json_keeps_its_value_when_harmful_characters_are_escaped() -> None:
    text = json.dumps({"a": HOSTILE}, ensure_ascii=False)
    assert json.loads(escaped_json(text)) == {"a": HOSTILE}


def test_what_is_long_is_cut_to_one_line() -> None:
    assert one_line("a\n b\tc") == "a b c"
    assert one_line("x" * 201) == "x" * 199 + "…"


def test_tables_and_facts_are_safe_to_print(capsys: pytest.CaptureFixture[str]) -> None:
    print_table((Column("A"), Column("B")), [(HOSTILE, "1"), ("x\ny", "2")])
    print_facts({"name": HOSTILE, "empty": ""})
    printed = capsys.readouterr().out
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(printed)
    assert "[bold]x[/bold]" in printed
    assert "empty" not in printed
    assert [line.split()[-1] for line in printed.splitlines()[:3]] == ["B", "1", "2"]


def test_an_error_is_one_harmless_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        output.fail(f"{HOSTILE}\nand more")
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert "\x1b" not in printed


THEN = datetime(2026, 1, 1, 1, 30, 5, 999, tzinfo=timezone(timedelta(hours=2)))


def test_a_program_gets_times_in_utc() -> None:
    assert moment(THEN) == "2025-12-31T23:30:05Z"
    assert (moment(None), moment(None, "not yet")) == ("never", "not yet")


@pytest.fixture
def in_kathmandu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("in_kathmandu")
def test_a_terminal_gets_local_times_with_their_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert moment(THEN) == "2026-01-01 05:15:05+05:45"


@pytest.mark.usefixtures("in_kathmandu")
def test_a_short_time_is_a_day_or_the_time_of_today_with_its_offset() -> None:
    now = datetime.now(UTC)
    assert re.fullmatch(r"\d\d:\d\d\+0545", short_moment(now))
    assert short_moment(THEN.replace(year=1999)) == "1999-01-01"
    assert short_moment(None, "not yet") == "not yet"


def test_a_person_is_asked_and_may_say_no(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(question: str, **_options: object) -> None:
        asked.append(question)
        raise typer.Abort

    monkeypatch.setattr(typer, "confirm", answer)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    with pytest.raises(typer.Abort):
        output.confirm("Delete it?", yes=False)
    output.confirm("Delete it?", yes=True)
    assert asked == ["Delete it?"]


def test_without_a_terminal_nothing_is_asked_and_nothing_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    monkeypatch.setattr(typer, "confirm", lambda *_a, **_o: pytest.fail("it was asked"))
    with pytest.raises(typer.Exit):
        output.confirm("Delete it?", yes=False)
    assert capsys.readouterr().err == (
        "aibridge: Delete it? Nobody is there to be asked: say --yes to go on.\n"
    )
    output.confirm("Delete it?", yes=True)


def test_a_secret_is_not_shown_while_it_is_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    prompts: list[dict[str, object]] = []

    def prompt(what: str, **options: object) -> str:
        prompts.append({"what": what, **options})
        return "typed"

    monkeypatch.setattr(typer, "prompt", prompt)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    assert output.read_secret("Password", twice=True) == "typed"
    (options,) = prompts
    assert options["hide_input"]
    assert options["confirmation_prompt"]
    assert options["err"]
