"""What was spent in a period as a CSV file: by user, group, model and provider."""

import csv
from collections.abc import Iterator, Mapping
from io import StringIO

from fastapi import APIRouter, Request, Response

from aibridge.api.access import Caller, reading_spend
from aibridge.api.documented import documented
from aibridge.api.groups import check_organization
from aibridge.api.organizations import OrganizationPath
from aibridge.api.parameters import Parameters
from aibridge.api.shapes import ORGANIZATION
from aibridge.api.spend.asked import (
    EXPORT_DAYS,
    OF_FILE,
    check_reads_everybody,
    period,
    usage_filter,
)
from aibridge.budgets.periods import Period
from aibridge.contract import rfc3339
from aibridge.csv_cells import cell
from aibridge.ids import moment
from aibridge.providers.types import wire_of
from aibridge.sessions.reading import READING_SECONDS
from aibridge.store.people import groups
from aibridge.store.usage.daily import Facet, Key, Usage, sums, usernames

router = APIRouter(tags=["spend"], dependencies=reading_spend())

COLUMNS = (
    "user_id",
    "username",
    "group_id",
    "group_name",
    "organization_id",
    "organization_name",
    "model",
    "provider",
    "provider_name",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cost_micros",
    "period_start",
    "period_end",
    "unpriced_usage_count",
)
"""Those of the contract in its order, and behind them one that says where a cost is a least one."""
_BY = (Facet.USER, Facet.GROUP, Facet.PROVIDER_TYPE, Facet.PROVIDER, Facet.MODEL)
CSV = "text/csv"

Row = tuple[str | int, ...]


@router.get(
    "/organizations/{organization}/ai/spend/export",
    **documented(
        media=[CSV],
        parameters=OF_FILE,
    ),
)
def export_spend(request: Request, organization: OrganizationPath, caller: Caller) -> Response:
    """Answer a CSV file of what was spent, a row for each user, group, model and provider."""
    check_organization(organization)
    check_reads_everybody(caller)
    parameters = Parameters(request.query_params)
    asked = period(parameters, most_days=EXPORT_DAYS)
    where = usage_filter(parameters, asked)
    with caller.services.database.read(seconds=READING_SECONDS) as connection:
        used = sums(connection, where, *_BY)
        users = usernames(connection, where)
        names = {group.id: group.name for group in groups.list_groups(connection)}
    return _file(_rows(used, users, names, asked), asked)


def _rows(
    used: Mapping[Key, Usage], users: Mapping[str, str], names: Mapping[str, str], of: Period
) -> Iterator[Row]:
    bounds = rfc3339(moment(of.start)), rfc3339(moment(of.end))
    for key in sorted(used):
        user, group, kind, provider, model = key
        yield (
            *(user, users.get(user, ""), group, names.get(group, "")),
            *(ORGANIZATION.id, ORGANIZATION.name, model, wire_of(kind), provider),
            *used[key][1:-1],
            *bounds,
            used[key].unpriced,
        )


def headers_of(kind: str, of: Period, ending: str = "csv") -> dict[str, str]:
    """Return what a file of a period is called, and that nobody on the way may keep it."""
    first, end = (moment(at).date() for at in of)
    name = f"ai-spend-{kind}-{ORGANIZATION.name}-{first}-to-{end}.{ending}"
    return {
        "content-disposition": f'attachment; filename="{name}"',
        "cache-control": "no-store",
    }


def _file(rows: Iterator[Row], of: Period) -> Response:
    text = StringIO()
    text.write(",".join(COLUMNS) + "\n")
    lines = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    for row in rows:
        lines.writerow([cell(value) if isinstance(value, str) else value for value in row])
    content = text.getvalue().encode("utf-8", "replace")
    return Response(content, media_type=f"{CSV}; charset=utf-8", headers=headers_of("export", of))
