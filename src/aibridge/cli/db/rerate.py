"""``aibridge db rerate``: usage is rated anew at the prices of now, and corrected beside."""

import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from aibridge.cli.database import open_database
from aibridge.cli.db.reread import LAST_WORDS, patiently
from aibridge.cli.export.interruption import interruptible
from aibridge.cli.export.progress import counting
from aibridge.cli.options import AsJson, Config, DatabaseURL, DataDir, choice, moment_option
from aibridge.cli.output import print_json, rfc3339, say
from aibridge.providers.types import TYPES

if TYPE_CHECKING:  # they take a while to import, and help texts need none of them
    from aibridge.keeper.rerating import Rerated, Rerater
    from aibridge.recorder.rating import Rater
    from aibridge.settings import Settings
    from aibridge.store.engine.database import Database
    from aibridge.store.usage.daily import UsageFilter

EXAMPLE = "Example: aibridge db rerate --since 30d --unpriced --dry-run"


@dataclass(frozen=True)
class _Asked:
    """Which usage is meant."""

    since: datetime
    until: datetime
    provider: str
    model: str
    unpriced: bool

    @property
    def said(self) -> str:
        """What is meant, in words."""
        period = f"from {rfc3339(self.since)} to {rfc3339(self.until)}"
        return " ".join(
            [
                *(["unpriced"] if self.unpriced else []),
                *([f"of {self.model}"] if self.model else []),
                *([f"at {self.provider}"] if self.provider else []),
                period,
            ]
        )


@partial(interruptible, last_words=LAST_WORDS)
def rerate(
    *,
    since: Annotated[datetime, moment_option("Calls that ended since then are rated")],
    until: Annotated[
        datetime | None, moment_option("Calls that ended before then are rated")
    ] = None,
    provider: Annotated[
        str | None, choice(TYPES, help="Only this type of provider, such as anthropic.")
    ] = None,
    model: Annotated[str, typer.Option(help="Only this model, as it was asked for.")] = "",
    unpriced: Annotated[
        bool, typer.Option("--unpriced", help="Only usage of which a part has no price yet.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would come of it; nothing is changed.")
    ] = False,
    as_json: AsJson = False,
    config: Config = None,
    data_dir: DataDir = None,
    database_url: DatabaseURL = None,
) -> None:
    """Rate usage anew at the custom and shipped prices of now, by the day of each call.

    Usage rows stay as they are: where a cost differs, a correction is added beside, and all sums
    follow. The bridge may go on serving. What was used with keys of the callers' own stays free.
    """
    asked = _Asked(since, until or datetime.now(UTC), provider or "", model, unpriced)
    with open_database(config, data_dir, database_url) as (database, settings):
        total = _rerate(database, settings, asked, is_dry=dry_run)
    _print(total, asked, dry_run=dry_run, as_json=as_json)


def _rerate(
    database: "Database", settings: "Settings", asked: _Asked, *, is_dry: bool
) -> "Rerated":
    """Rate all that is meant anew; the audit log tells of it, however it ends."""
    from aibridge.keeper.rerating import Rerated, Rerater  # noqa: PLC0415 - see above

    rater = _rater(database, settings)
    total = Rerated()
    try:
        with (
            closing(Rerater(database, rater, only_unpriced=asked.unpriced)) as rerater,
            counting("usage rows", shown=sys.stderr.isatty()) as count,
        ):
            for found in _calls(rerater, asked, is_dry=is_dry):
                total = total.plus(found)
                count(found.rows, None)
    finally:
        if total.corrections and not is_dry:
            _tell(database, asked, total)
    return total


def _calls(rerater: "Rerater", asked: _Asked, *, is_dry: bool) -> "Iterator[Rerated]":
    from aibridge.store.transfer.purging import SHORTEST_PAUSE  # noqa: PLC0415 - see above

    where, after = _where(asked), None
    while calls := patiently(partial(rerater.calls, where, after)):
        after = calls[-1].row.key
        for call in calls:
            began = time.monotonic()
            found = patiently(partial(rerater.rerate, call, is_dry=is_dry))
            yield found
            if found.corrections and not is_dry:  # others may write for as long as that took
                time.sleep(max(SHORTEST_PAUSE, time.monotonic() - began))


def _where(asked: _Asked) -> "UsageFilter":
    from aibridge.recorder.retention import microseconds  # noqa: PLC0415 - see above
    from aibridge.store.lists.filters import ANY, Filter, only  # noqa: PLC0415
    from aibridge.store.usage.daily import UsageFilter  # noqa: PLC0415

    kinds = Filter(
        provider=only(asked.provider) if asked.provider else ANY,
        model=only(asked.model) if asked.model else ANY,
    )
    return UsageFilter(microseconds(asked.since), microseconds(asked.until), kinds=kinds)


def _rater(database: "Database", settings: "Settings") -> "Rater":
    from aibridge.budgets.price_book import CurrentPrices  # noqa: PLC0415 - see above
    from aibridge.keeper.settings import keeper_settings  # noqa: PLC0415
    from aibridge.prices.installed import installed_catalogue  # noqa: PLC0415
    from aibridge.recorder.rating import Rater  # noqa: PLC0415

    catalogue = installed_catalogue(settings.catalogue)
    book = patiently(CurrentPrices(database, catalogue).book)
    return Rater(book, keeper_settings(settings).geographies)


def _tell(database: "Database", asked: _Asked, total: "Rerated") -> None:
    """Write an entry of the audit log."""
    from aibridge.budgets.model_prices import tell_rerated  # noqa: PLC0415 - see above
    from aibridge.identity.audit import Act  # noqa: PLC0415

    def tell() -> None:
        with database.write() as connection:
            tell_rerated(Act(connection), asked.said, total.corrections, total.micros)

    patiently(tell)


def _print(total: "Rerated", asked: _Asked, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "since": rfc3339(asked.since),
                "until": rfc3339(asked.until),
                "dry_run": dry_run,
                "usage_rows": total.rows,
                "corrections": total.corrections,
                "cost_micros": total.micros,
            }
        )
        return
    from aibridge.budgets.money import dollars  # noqa: PLC0415 - see above

    rows = "1 usage row" if total.rows == 1 else f"{total.rows:,} usage rows"
    done = "Would correct" if dry_run else "Corrected"
    say(f"Looked at {rows}. {done}: {total.corrections:,}, together by {dollars(total.micros)}.")
