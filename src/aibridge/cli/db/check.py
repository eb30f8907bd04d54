"""``aibridge db check``: whether a database is as it should be."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from aibridge.cli.database import untouched_database
from aibridge.cli.export.interruption import interruptible
from aibridge.cli.export.progress import counting
from aibridge.cli.options import AsJson, Config, DatabaseURL, DataDir
from aibridge.cli.output import print_json, say

if TYPE_CHECKING:  # they take a while to import, and help texts need none of them
    from aibridge.store.engine.database import Database

EXAMPLE = "Example: aibridge db check --database-url sqlite:///bridge.db"

MOST = 100
"""How much of a kind is listed."""


@dataclass
class _Report:
    """What was found: of the tables, what is wrong, and what was not looked at."""

    revision: str | None
    newest: str
    schema: str
    problems: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    sessions: int = 0


@interruptible
def check(
    *,
    as_json: AsJson = False,
    config: Config = None,
    data_dir: DataDir = None,
    database_url: DatabaseURL = None,
) -> None:
    """Check a database: its tables, what the engine says of it, and whether the sums agree.

    It reads the whole record, and changes nothing. Calls that the database refused, whose bytes
    were set aside in the data directory, are named too. The status is 1 if anything is wrong.
    """
    with untouched_database(config, data_dir, database_url) as (database, settings):
        report = _report(database)
        report.problems += _listed(_set_aside(settings.journals), "was set aside")
    _print(report, as_json=as_json)
    if report.problems:
        raise typer.Exit(1)


def _report(database: "Database") -> _Report:
    from aibridge.store.transfer import checking  # noqa: PLC0415 - see above

    report = _of_schema(database)
    if report.problems:
        report.left_out.append("nothing else was looked at")
        return report
    report.left_out += checking.left_out(database)
    report.problems += checking.faults(database)
    if report.problems:
        report.left_out.append("the sums were not looked at")
    else:
        report.problems += _listed(_disagreements(database, report), "does not agree")
    return report


def _of_schema(database: "Database") -> _Report:
    from aibridge.store import migrations  # noqa: PLC0415 - see above
    from aibridge.store.migrations import Age  # noqa: PLC0415

    with database.read() as connection:
        revision, age = migrations.current(connection), migrations.age(connection)
    problems = {
        Age.NONE: "there are no tables: `aibridge db upgrade` makes them",
        Age.OLDER: f"the tables are at revision {revision}, older than this release: "
        "`aibridge db upgrade` brings them up to date",
        Age.NEWER: f"the tables are at revision {revision}, which this release does not know: "
        "they are of a newer one",
    }
    found = [problems[age]] if age in problems else []
    return _Report(revision, migrations.HEAD, age.value, found)


def _disagreements(database: "Database", report: _Report) -> Iterator[str]:
    from aibridge.store.transfer.checking import disagreements  # noqa: PLC0415 - see above

    with (
        database.read() as connection,
        counting("sessions", shown=sys.stderr.isatty()) as count,
    ):

        def looked_at(more: int) -> None:
            report.sessions += more
            count(more, None)

        yield from disagreements(connection, looked_at)


def _set_aside(journals: Path) -> Iterator[str]:
    """Yield what the keeper could write but a bare row of."""
    from aibridge.keeper.aside import Aside  # noqa: PLC0415 - see above

    for call in Aside(journals):
        yield f"the database refused most of the call {call.interception_id}: {call.reason}"


def _listed(found: Iterator[str], what: str) -> Iterator[str]:
    """Yield the first of what was found, and whether there is more."""
    yield from islice(found, MOST)
    if next(found, None) is not None:
        yield f"more {what}: only the first {MOST} are listed"


def _print(report: _Report, *, as_json: bool) -> None:
    if as_json:
        print_json(vars(report))
        return
    if report.schema == "newest":
        say(f"The tables are at revision {report.revision}, the newest.")
    for one in report.problems:
        say(f"Wrong: {one}.")
    for one in report.left_out:
        say(f"Left out: {one}.")
    if not report.problems:
        say(f"Nothing is wrong. The sums of {report.sessions} sessions agree with their rows.")
