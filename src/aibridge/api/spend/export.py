"""What was spent in a period as a CSV file: by user, group, model and provider."""

import csv
from collections.abc import Iterator, Mapping
from io import StringIO

from fastapi import APIRouter, Request, Response

from aibridge.api.access import Caller, reading_spend
from aibridge.api.documented import documented, uuid
from aibridge.api.groups import check_organization
from aibridge.api.organizations import OrganizationPath
from aibridge.api.parameters import Parameters
from aibridge.api.shapes import ORGANIZATION
from aibridge.api.spend.asked import (
    EXPORT_DAYS,
    MODEL,
    PERIOD,
    PROVIDER_NAME,
    check_reads_everybody,
    period,
    spent_on,
)
from aibridge.budgets.periods import Period
from aibridge.contract import rfc3339
from aibridge.csv_cells import cell
from aibridge.ids import moment
from aibridge.providers.types import wire_of
from aibridge.sessions.reading import READING_SECONDS
from aibridge.store.people import groups
from aibridge.store.usage.daily import Facet, Key, Usage, UsageFilter, sums, usernames

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
        media=CSV,
        parameters=(
            *PERIOD,
            uuid("user_id", "Only what this user spent."),
            uuid("group_id", "Only what is charged to this group."),
            PROVIDER_NAME,
            MODEL,
        ),
    ),
)
def export_spend(request: Request, organization: OrganizationPath, caller: Caller) -> Response:
    """Answer a CSV file of what was spent, a row for each user, group, model and provider."""
    check_organization(organization)
    check_reads_everybody(caller)
    parameters = Parameters(request.query_params)
    user_id, group_id = parameters.uuid("user_id"), parameters.uuid("group_id")
    asked = period(parameters, most_days=EXPORT_DAYS)
    where = UsageFilter(
        *asked,
        user_ids=None if user_id is None else [user_id],
        group_ids=None if group_id is None else [group_id],
        kinds=spent_on(parameters),
    )
    with caller.services.database.read(seconds=READING_SECONDS) as connection:
        used = sums(connection, where, *_BY)
        users = usernames(connection, where)
        names = {group.id: group.name for group in groups.list_groups(connection)}
    return _file(_rows(used, users, names, asked), _name(asked))


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


def _name(of: Period) -> str:
    first, end = (moment(at).date() for at in of)
    return f"ai-spend-export-{ORGANIZATION.name}-{first}-to-{end}.csv"


def _file(rows: Iterator[Row], name: str) -> Response:
    text = StringIO()
    text.write(",".join(COLUMNS) + "\n")
    lines = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    for row in rows:
        lines.writerow([cell(value) if isinstance(value, str) else value for value in row])
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "cache-control": "no-store",
    }
    content = text.getvalue().encode("utf-8", "replace")
    return Response(content, media_type=f"{CSV}; charset=utf-8", headers=headers)
