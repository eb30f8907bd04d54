"""``aibridge spend reconcile``: what is on record beside a provider's own report."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aibridge.cli.connection import connected
from aibridge.cli.options import MOST, AsJson
from aibridge.cli.output import FAILED, fail, print_json
from aibridge.cli.spend.lines import as_json_value, print_lines
from aibridge.reconciling.comparing import Recorded, compare, compared, sum_up
from aibridge.reconciling.pages import MAX_BYTES, ReportError
from aibridge.reconciling.reports import Report, read_report

if TYPE_CHECKING:
    from aibridge.sdk import Client

_DAY = timedelta(days=1)


def _percentage(text: str) -> Decimal:
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal("NaN")
    if not (found.is_finite() and 0 <= found <= 100):  # noqa: PLR2004 - per cent
        raise typer.BadParameter(f"expected a percentage from 0 to 100; not {text!r}")
    return found


@connected
def reconcile(
    client: "Client",
    *,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="JSON as the provider's API answers it.")
    ],
    provider: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="The provider's configured name; all of the report's type if left out.",
        ),
    ] = "",
    tolerance: Annotated[
        Decimal,
        typer.Option(
            parser=_percentage, metavar="PERCENT", help="By how much the sums may differ."
        ),
    ] = Decimal("0.5"),
    as_json: AsJson = False,
) -> None:
    """Compare what is on record with a provider's report of costs or usage, by day and model.

    FILE is a cost or usage report of Anthropic's Admin API, or costs or usage of completions of
    OpenAI's; several pages may follow each other. The status is 1 where the sums differ by more
    than is tolerated.
    """
    report = _read(file)
    found = _record(client, report, provider)
    lines = compare(report, found)
    sums = sum_up(lines, tolerance)
    if as_json:
        print_json(as_json_value(report, lines, sums, tolerance))
    else:
        print_lines(report, lines, sums, tolerance)
    if not sums.is_within:
        raise typer.Exit(FAILED)


def _read(file: Path) -> Report:
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except OSError as error:
        fail(f"cannot read {file}: {error.strerror}")
    try:
        return read_report(content)
    except ReportError as error:
        fail(f"{file}: {error}")


def _record(client: "Client", report: Report, provider: str) -> dict[tuple[date, str], Recorded]:
    """Return what the record has of the days of a report, by day and model."""
    found: dict[tuple[date, str], Recorded] = {}
    client.list_user_ai_spend(limit=1)  # refuses who would compare with their own calls alone
    names = _names(client, report, provider)
    for day in report.days:
        start = datetime.combine(day, time(), UTC)
        estimated = _estimated(client, names, start)
        page = client.ai_spend(
            "model",
            since=start,
            until=start + _DAY,
            provider_type="" if provider else report.kind.provider_type,
            provider_name=provider,
            limit=MOST,
        )
        if page.count > len(page):
            fail(f"more than {MOST:,} models are on record on {day}: name a --provider")
        for part in page:
            tokens = (
                part.input_tokens,
                part.output_tokens,
                part.cache_read_input_tokens,
                part.cache_write_input_tokens,
            )
            found[day, part.name] = Recorded(
                compared(report.kind, part.cost_micros, tokens),
                part.request_count,
                part.unpriced_usage_count,
                estimated.get(part.name, 0),
            )
    return found


def _names(client: "Client", report: Report, provider: str) -> set[str]:
    """Return the configured names of the providers that are meant; none where they are secret."""
    from aibridge.sdk import NotFound  # noqa: PLC0415 - it takes a while to import

    if provider:
        return {provider}
    try:
        found = client.list_providers()
    except NotFound:
        return set()
    return {one.name for one in found if one.type == report.kind.provider_type}


def _estimated(client: "Client", names: set[str], start: datetime) -> dict[str, int]:
    """Return how many calls of each model that began on a day have estimated tokens.

    Of those that are still on record, and that the caller may read.
    """
    from aibridge.sdk import InterceptionFilter, NotFound  # noqa: PLC0415 - see above

    last = start + _DAY - timedelta(microseconds=1)
    where = InterceptionFilter(started_after=start, started_before=last, q="has:estimated")
    found: dict[str, int] = {}
    try:
        calls = client.list_interceptions(where, limit=MOST) if names else ()
    except NotFound:
        return found
    for call in calls:
        if call.provider_name in names:
            found[call.model] = found.get(call.model, 0) + 1
    return found
