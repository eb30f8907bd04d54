"""``aibridge db purge``: old sessions go now, and not when their time has come."""

import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from aibridge.cli.database import open_database
from aibridge.cli.export.interruption import interruptible
from aibridge.cli.export.progress import counting
from aibridge.cli.options import AsJson, Config, DatabaseURL, DataDir, Yes, moment_option
from aibridge.cli.output import confirm, moment, print_json, rfc3339, say

if TYPE_CHECKING:  # they take a while to import, and help texts need none of them
    from aibridge.store.engine.database import Database
    from aibridge.store.transfer.purging import Purged

EXAMPLE = "Example: aibridge db purge --before 60d --dry-run"

TRIES, PAUSE_SECONDS = 20, 0.5
"""How often a database that is locked or away is tried, and how long it is left alone."""


def _check_past(before: datetime) -> None:
    if before > datetime.now(UTC):
        raise ValueError(f"expected a time in the past; not {rfc3339(before)}")


@interruptible
def purge(
    *,
    before: Annotated[datetime, moment_option("What is older goes", check=_check_past)],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say how much would go; nothing is changed.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
    config: Config = None,
    data_dir: DataDir = None,
    database_url: DatabaseURL = None,
) -> None:
    """Delete what is older than a time, with all that is recorded of it.

    A session in which nothing has happened since goes whole, and not while something of it runs;
    one that goes on loses what is older. The bridge may go on serving. What breaks a purge off
    leaves no session half deleted, but of a large one perhaps the oldest part.
    """
    with open_database(config, data_dir, database_url) as (database, _):
        if dry_run:
            _print(_due(database, before), 0, "Would delete", before, as_json=as_json)
            return
        if not yes:
            confirm(
                f"Delete {_said(_due(database, before), before)}? Nothing brings them back.", yes
            )
        gone, partitions = _purge(database, before)
    _print(gone, partitions, "Deleted", before, as_json=as_json)


def _due(database: "Database", before: datetime) -> "Purged":
    from aibridge.recorder.retention import microseconds  # noqa: PLC0415 - see above
    from aibridge.store.transfer.purging import count_due  # noqa: PLC0415

    return count_due(database, microseconds(before))


def _purge(database: "Database", before: datetime) -> "tuple[Purged, int]":
    """Return what went, and how many partitions."""
    from aibridge.store.record.partitions import drop_empty  # noqa: PLC0415 - see above
    from aibridge.store.transfer.purging import Purged  # noqa: PLC0415

    shown, total = sys.stderr.isatty(), Purged()
    due = _due(database, before).interceptions if shown else None
    with counting("interceptions", shown=shown) as count:
        for gone in _batches(database, before):
            total = total.plus(gone)
            count(gone.interceptions, due)
    return total, len(drop_empty(database, before))


def _batches(database: "Database", before: datetime) -> "Iterator[Purged]":
    from aibridge.recorder.retention import batches  # noqa: PLC0415 - see above
    from aibridge.store.transfer.purging import OtherPurgeError  # noqa: PLC0415

    tries = iter(range(1, TRIES))

    def put_off(error: Exception) -> float:
        if not isinstance(error, OtherPurgeError) and next(tries, None) is None:
            raise error
        return PAUSE_SECONDS

    return batches(database, before, time.sleep, put_off)


def _said(purged: "Purged", before: datetime) -> str:
    sessions = "1 session" if purged.sessions == 1 else f"{purged.sessions} sessions"
    calls = (
        "1 interception" if purged.interceptions == 1 else f"{purged.interceptions} interceptions"
    )
    return f"{calls} from before {moment(before)}, and with them {sessions} whole"


def _print(
    purged: "Purged", partitions: int, done: str, before: datetime, *, as_json: bool
) -> None:
    if as_json:
        numbers = purged._asdict() | {"partitions": partitions}
        print_json({"before": rfc3339(before), **numbers})
        return
    say(f"{done} {_said(purged, before)}.")
    if partitions:
        say(f"Dropped {partitions} empty partitions.")
