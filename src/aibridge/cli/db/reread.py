"""``aibridge db reread``: calls whose bytes are still in the journal are read once more."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from aibridge.cli.database import open_database
from aibridge.cli.export.interruption import interruptible
from aibridge.cli.export.progress import counting
from aibridge.cli.options import AsJson, Config, DatabaseURL, DataDir, moment_option
from aibridge.cli.output import fail, print_json, rfc3339, say

if TYPE_CHECKING:  # they take a while to import, and help texts need none of them
    from aibridge.keeper.rereading import Reread
    from aibridge.settings import Settings
    from aibridge.store.engine.database import Database

EXAMPLE = "Example: aibridge db reread --since 7d --dry-run"
LAST_WORDS = "What was corrected stays so. The same command does the rest."

TRIES, PAUSE_SECONDS = 20, 0.5
"""How often a database that is locked or away is tried, and how long it is left alone."""

T = TypeVar("T")


@dataclass
class _Report:
    """What came of the calls that were looked at."""

    since: str
    dry_run: bool
    read: int = 0
    differing: list[dict[str, Any]] = field(default_factory=list)
    not_read: list[dict[str, str]] = field(default_factory=list)
    not_on_record: int = 0

    def add(self, call: "Reread") -> None:
        if not call.is_on_record:
            self.not_on_record += 1
        elif call.reason:
            self.not_read.append({"id": call.interception_id, "reason": call.reason})
        else:
            self.read += 1
            if call.fields:
                self.differing.append({"id": call.interception_id, "fields": list(call.fields)})


@partial(interruptible, last_words=LAST_WORDS)
def reread(
    *,
    since: Annotated[datetime, moment_option("What began since then is read")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what differs; nothing is changed.")
    ] = False,
    as_json: AsJson = False,
    config: Config = None,
    data_dir: DataDir = None,
    database_url: DatabaseURL = None,
) -> None:
    """Read calls again with this release, and correct what is on record of them.

    Only calls whose bytes are still in the journal of the data directory can be read, for which
    there is the setting journal_keep. The bridge may go on serving. Calls stay in their sessions
    and threads, and what was purged stays away.
    """
    with open_database(config, data_dir, database_url) as (database, settings):
        report = _Report(rfc3339(since), dry_run)
        try:
            for call in _reread(database, settings, since, is_dry=dry_run):
                report.add(call)
        except OSError as error:
            fail(f"the journal cannot be read: {error.strerror or error}")
    _print(report, as_json=as_json)


def _reread(
    database: "Database", settings: "Settings", since: datetime, *, is_dry: bool
) -> "Iterator[Reread]":
    from aibridge.agents import Agents  # noqa: PLC0415 - see above
    from aibridge.keeper.bounds import Bounds  # noqa: PLC0415
    from aibridge.keeper.prices import Prices  # noqa: PLC0415
    from aibridge.keeper.rereading import Rereader  # noqa: PLC0415
    from aibridge.keeper.settings import keeper_settings  # noqa: PLC0415
    from aibridge.prices.installed import installed_catalogue  # noqa: PLC0415
    from aibridge.reading.request import Reading  # noqa: PLC0415
    from aibridge.recorder.retention import microseconds  # noqa: PLC0415
    from aibridge.store.transfer.purging import SHORTEST_PAUSE  # noqa: PLC0415

    told = keeper_settings(settings)
    prices = Prices(database, installed_catalogue(settings.catalogue), told.geographies)
    reading = Reading(Agents(each.to_client() for each in settings.agents), settings.max_body_bytes)
    with (
        closing(Rereader(settings.journals, database, reading, Bounds(), prices)) as rereader,
        counting("calls", shown=sys.stderr.isatty()) as count,
    ):
        for call in rereader.calls(microseconds(since)):
            began = time.monotonic()
            found = patiently(partial(rereader.reread, call, is_dry=is_dry))
            count(1, None)
            if found is not None:
                yield found
                if found.fields and not is_dry:  # others may write for as long as that took
                    time.sleep(max(SHORTEST_PAUSE, time.monotonic() - began))


def patiently(step: Callable[[], T]) -> T:
    """Do something with the database, again for a while where that is locked or away."""
    from aibridge.store.engine.errors import is_away  # noqa: PLC0415
    from aibridge.store.transfer.purging import OtherPurgeError  # noqa: PLC0415 - see above

    tries = iter(range(1, TRIES))
    while True:
        try:
            return step()
        except Exception as error:
            if not isinstance(error, OtherPurgeError) and (
                not is_away(error) or next(tries, None) is None
            ):
                raise
        time.sleep(PAUSE_SECONDS)


def _print(report: _Report, *, as_json: bool) -> None:
    if as_json:
        print_json(vars(report))
        return
    verb = "differs in" if report.dry_run else "corrected in"
    for one in report.differing:
        say(f"{one['id']} {verb} {', '.join(one['fields'])}")
    for each in report.not_read:
        say(f"{each['id']} not read: {each['reason']}")
    calls = "1 call" if report.read == 1 else f"{report.read} calls"
    done = "Differing" if report.dry_run else "Corrected"
    say(
        f"Read {calls} again. {done}: {len(report.differing)}. Not read: {len(report.not_read)}. "
        f"Not on record: {report.not_on_record}."
    )
