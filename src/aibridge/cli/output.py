"""How commands print: JSON, tables, times, questions, and the one line of an error.

What is printed was often written by strangers: characters that steer a terminal or reorder a line
are made visible instead.
"""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn

import typer

if TYPE_CHECKING:  # pydantic takes a while to import, and help texts need none of it
    from collections.abc import Sequence

    from rich.console import Console

    from aibridge.contract import Model

_HARMFUL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Controls except tab and line feed, marks that change a line's direction, half characters."""


def visible(text: str) -> str:
    """Return ``text`` with harmful characters made visible: control pictures, or U+FFFD."""
    return _HARMFUL.sub(_picture, text.replace("\r\n", "\n"))


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:  # noqa: PLR2004 - the pictures stand in the order of the controls
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"  # noqa: PLR2004 - delete has its own


def one_line(text: str, most: int = 200) -> str:
    """Return foreign text on one line of at most ``most`` characters."""
    one = " ".join(visible(text[: most * 4]).split())
    return one if len(one) <= most else one[: most - 1] + "…"


def escaped_json(text: str) -> str:
    """Return JSON ``text`` with harmful characters as escapes: the same value, safe to print."""
    return _HARMFUL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


FAILED, CALLED_WRONGLY = 1, 2
"""The statuses of a command that could not do what was asked, and of one that was asked wrongly."""


def fail(message: str, status: int = FAILED) -> NoReturn:
    """End the program with one line on stderr and a status."""
    typer.echo(f"aibridge: {' '.join(visible(message).split())}", err=True)
    raise typer.Exit(status)


def say(text: str, *, err: bool = False) -> None:
    """Print one line that has foreign words in it."""
    typer.echo(one_line(text, 1000), err=err)


def print_json(value: object) -> None:
    """Print one JSON object or array."""
    typer.echo(escaped_json(json.dumps(value, indent=2, ensure_ascii=False)))


def print_model(answer: Model) -> None:
    """Print what the API answered, as it answers it."""
    print_json(answer.model_dump(mode="json"))


def print_models(answer: Sequence[Model]) -> None:
    """Print a list that the API answered, as it answers it."""
    print_json([one.model_dump(mode="json") for one in answer])


def print_facts(facts: dict[str, str]) -> None:
    """Print what there is to say of one thing, a line each; what is empty is left out."""
    width = max(map(len, facts))
    for name, value in facts.items():
        if value:
            typer.echo(f"{name.ljust(width)}  {one_line(value)}")


def is_terminal() -> bool:
    """Say whether a person reads what is printed, and not a program or a file."""
    return sys.stdout.isatty()


def moment(then: datetime | None, never: str = "never") -> str:
    """Return a time in whole seconds: on a terminal local with its offset, else as `rfc3339`."""
    if then is None:
        return never
    return then.astimezone().isoformat(" ", "seconds") if is_terminal() else rfc3339(then)


def short_moment(then: datetime | None, never: str = "never") -> str:
    """Return a time of today with its offset, or a day, for where there is no room for both."""
    if then is None:
        return never
    local, now = then.astimezone(), datetime.now().astimezone()
    if local.date() == now.date():
        return f"{local:%H:%M}{f'{local:%z}'.removesuffix('00')}"
    return f"{local:%m-%d}" if local.year == now.year else f"{local:%Y-%m-%d}"


def rfc3339(then: datetime) -> str:
    """Return a time in UTC and whole seconds."""
    return f"{then.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


WIDE = 10_000
"""Characters of a line where there is no terminal: whatever reads it needs nothing cut off."""


def console() -> Console:
    """Return where drawings are printed: as wide as the terminal, and whole where there is none."""
    from rich.console import Console  # noqa: PLC0415 - it takes a while to import

    return Console(highlight=False, width=None if is_terminal() else WIDE)


def confirm(question: str, yes: bool) -> None:
    """Ask a person whether to do something that takes things away, unless they said ``--yes``.

    The question says what goes, and what else goes with it. Where there is no terminal, the program
    ends.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        fail(f"{question} Nobody is there to be asked: say --yes to go on.")
    typer.confirm(one_line(question, 1000), abort=True, err=True)


def read_secret(what: str, *, twice: bool = False) -> str:
    """Read a secret: hidden from a terminal, else the next line of what is piped in."""
    if sys.stdin.isatty():
        return str(typer.prompt(what, hide_input=True, confirmation_prompt=twice, err=True))
    line = sys.stdin.readline()
    if not line:
        fail(f"no {what.lower()}: it is read from what is piped in, or asked for on a terminal")
    return line.rstrip("\r\n")
