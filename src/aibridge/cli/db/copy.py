"""``aibridge db copy``: a whole database into another one, of either engine."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aibridge.cli.database import clear_errors
from aibridge.cli.export.interruption import interruptible
from aibridge.cli.export.progress import counting
from aibridge.cli.options import AsJson
from aibridge.cli.output import fail, print_json, say
from aibridge.cli.tables import Column, print_table

if TYPE_CHECKING:  # they take a while to import, and help texts need none of them
    from aibridge.store.transfer.copying import Compared, Copy

EXAMPLE = "Example: aibridge db copy --from sqlite:///bridge.db --to postgresql://db/ai"
LAST_WORDS = "The copy has not ended. The same command goes on with it."


def _check_url(url: str) -> str:
    from aibridge.store.engine.database import DatabaseError, check_url  # noqa: PLC0415

    try:
        check_url(url)
    except DatabaseError as error:
        raise typer.BadParameter(str(error).removeprefix("database_url ")) from None
    return url


@partial(interruptible, last_words=LAST_WORDS)
def copy(
    *,
    from_url: Annotated[
        str,
        typer.Option(
            "--from", metavar="URL", callback=_check_url, help="The database that is copied."
        ),
    ],
    to_url: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="URL",
            callback=_check_url,
            help="Where to: a database without data, or one with the rest of this very copy.",
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Copy a whole database into another one, of either engine.

    The source is only read, in one state of it. Whatever breaks a copy off, the same command goes
    on with it; until it has ended, no bridge serves the target. At the end both are compared.
    """
    from aibridge.store.transfer.copying import copying  # noqa: PLC0415

    with clear_errors(), copying(from_url, to_url) as under_way:
        warnings = list(under_way.source.warnings())
        for warning in warnings:
            say(f"warning: {warning}", err=True)
        compared = _run(under_way, shown=sys.stderr.isatty())
        _print(under_way, compared, warnings, as_json=as_json)


def _run(copy: "Copy", *, shown: bool) -> "list[Compared]":
    """Take all steps, but the last ones only if the tables are equal."""
    total = copy.total() if shown else None
    copy.begin()
    with _progress("copying", total, shown=shown) as count:
        if shown:
            count(copy.done())
        copy.rows(count)
    with _progress("comparing", total and 2 * total, shown=shown) as count:
        compared = copy.check(count)
    if all(one.is_equal for one in compared):
        with _progress("indexing", copy.to_index() if shown else None, shown=shown) as count:
            copy.index(count)
        copy.finish()
    return compared


@contextmanager
def _progress(what: str, total: int | None, *, shown: bool) -> Iterator[Callable[[int], object]]:
    with counting(what, shown=shown) as count:
        yield lambda more: count(more, total)


def _print(
    copy: "Copy", compared: "Sequence[Compared]", warnings: Sequence[str], *, as_json: bool
) -> None:
    if as_json:
        print_json(_summary(copy, compared, warnings))
    else:
        rows = [(one.name, str(one.source.rows), one.source.shown) for one in compared]
        print_table((Column("TABLE"), Column("ROWS", right=True), Column("CHECKSUM")), rows)
    differing = [
        f"{one.name} differs: {one.source.rows} rows in the source, {one.target.rows} in the target"
        for one in compared
        if not one.is_equal
    ]
    if differing:
        fail("; ".join(differing))


def _summary(
    copy: "Copy", compared: "Sequence[Compared]", warnings: Sequence[str]
) -> dict[str, Any]:
    return {
        "from": copy.source.address,
        "to": copy.target.address,
        "went_on": copy.target.was_begun,
        "warnings": list(warnings),
        "tables": [
            {
                "name": one.name,
                "rows": one.source.rows,
                "checksum": one.source.shown,
                "equal": one.is_equal,
            }
            for one in compared
        ],
    }
