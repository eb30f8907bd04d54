"""Options that several commands share, and reading what people write into them."""

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from aibridge.budgets.money import dollars, parse_dollars
from aibridge.contract.words import MAX_SPEND_LIMIT_MICROS
from aibridge.moments import EXPECTED, parse_moment

T = TypeVar("T", bound=str)

SHOWN = 4
"""The most values of an option that its usage line names."""

MOST = 1000
"""The most that the API lists at once."""

Config = Annotated[
    Path | None,
    typer.Option(
        readable=False,  # reading it tells why it cannot be read
        help="The TOML file of options; aibridge.toml if it is there.",
    ),
]
DataDir = Annotated[str | None, typer.Option(help="Where the bridge keeps its files.")]
DatabaseURL = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        "--database",
        help="The database, sqlite:///PATH or postgresql://USER@HOST/NAME.",
    ),
]
Url = Annotated[
    str | None,
    typer.Option(
        envvar="AIBRIDGE_URL",
        help="Where AI Bridge listens; http://127.0.0.1:4000 if only a token is given.",
    ),
]
Token = Annotated[
    str | None,
    typer.Option(
        envvar="AIBRIDGE_TOKEN",
        help="Your token. Without it and a URL, this machine's own database is used.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def moment_option(help_text: str, *, check: Callable[[datetime], None] | None = None) -> Any:  # noqa: ANN401 - as typer has it
    """Return an option that takes a moment, as every one reads it: see `aibridge.moments`."""

    def read(text: str) -> datetime:
        try:
            moment = parse_moment(text)
            if check is not None:
                check(moment)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
        return moment

    return typer.Option(parser=read, metavar="TIME", help=f"{help_text}: {EXPECTED}.")


def one_of(values: Iterable[T]) -> Callable[[str], T]:
    """Return what reads one of these values; others are refused with the list of them."""
    known = {str(value): value for value in values}

    def read(text: str) -> T:
        if str(text) not in known:
            raise typer.BadParameter(f"expected one of {', '.join(known)}; not {text!r}")
        return known[str(text)]

    return read


def choice(values: Iterable[T], *names: str, help: str) -> Any:  # noqa: A002, ANN401 - as typer has it
    """Return an option that takes one of these values, which shells complete."""
    known = [str(value) for value in values]

    def completed(begun: str) -> list[str]:
        return [name for name in known if name.startswith(begun)]

    return typer.Option(
        *names,
        parser=one_of(values),
        autocompletion=completed,
        metavar="|".join(known) if len(known) <= SHOWN else "NAME",
        help=help,
    )


def amount(text: str) -> int:
    """Read dollars, a million of them at most, as micro-dollars."""
    try:
        micros = parse_dollars(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if micros > MAX_SPEND_LIMIT_MICROS:
        most = dollars(MAX_SPEND_LIMIT_MICROS)
        raise typer.BadParameter(f"expected {most} at most; not {dollars(micros)}")
    return micros


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Return what reads a whole number within bounds: it is refused before anything is asked."""

    def read(text: str) -> int:
        number = int(text) if re.fullmatch(r"-?[0-9]{1,12}", str(text)) else None
        if number is None or not least <= number <= most:
            raise typer.BadParameter(f"expected a number from {least} to {most}; not {text!r}")
        return number

    return read


Limit = Annotated[
    int,
    typer.Option(
        parser=whole_number(1, MOST), metavar="NUMBER", help=f"How many at most, 1 to {MOST}."
    ),
]
