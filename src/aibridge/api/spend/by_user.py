"""The report of what each user spent, with what it was spent on: where a drill-down begins."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request

from aibridge.api.access import Caller, reading_spend
from aibridge.api.documented import OFFSET, documented, limit
from aibridge.api.groups import check_organization
from aibridge.api.organizations import OrganizationPath
from aibridge.api.parameters import Parameters
from aibridge.api.responses import JsonResponse
from aibridge.api.spend.asked import (
    PERIOD,
    REPORT_DAYS,
    SPENT_ON,
    check_reads_everybody,
    kept_since,
    period,
    spent_on,
)
from aibridge.api.spend.shapes import bounds, total, usage
from aibridge.contract import (
    AISpendTotals,
    OrganizationAISpendReport,
    OrganizationAISpendUser,
)
from aibridge.ids import moment
from aibridge.sessions.reading import READING_SECONDS
from aibridge.store.lists.interceptions import UserRow
from aibridge.store.people.users import Connection
from aibridge.store.usage.daily import Facet, Key, Usage, UsageFilter, sums, top_users
from aibridge.store.usage.session_counts import count_sessions

router = APIRouter(tags=["spend"], dependencies=reading_spend())

USERS = 10
"""How many users a page has where nothing else is asked for; the contract says so."""
_DRILL_DOWN = (Facet.PROVIDER, Facet.MODEL, Facet.CLIENT)

Sessions = Mapping[str, int]
"""How many sessions each user had."""


@router.get(
    "/organizations/{organization}/ai/spend/users",
    **documented(OrganizationAISpendReport, parameters=(*PERIOD, *SPENT_ON, limit(USERS), OFFSET)),
)
def list_spend_of_users(
    request: Request, organization: OrganizationPath, caller: Caller
) -> JsonResponse:
    """List users by what they spent in a period, the most first, with the totals of all of them."""
    check_organization(organization)
    check_reads_everybody(caller)
    parameters = Parameters(request.query_params)
    asked = period(parameters, most_days=REPORT_DAYS)
    where = UsageFilter(*asked, kinds=spent_on(parameters))
    paging = parameters.paging(USERS)
    since = kept_since(caller)
    with caller.services.database.read(seconds=READING_SECONDS) as connection:
        page = top_users(connection, where, limit=paging.limit, offset=paging.offset)
        everybody = sums(connection, where, Facet.USER)
        of_page = replace(where, user_ids=[user.id for user, _ in page])
        on_page = sums(connection, of_page, Facet.USER, *_DRILL_DOWN)
        used = sums(connection, where, *_DRILL_DOWN)
        is_on_record = since is None or asked.start >= since
        sessions = _sessions(connection, where, everybody) if is_on_record else None
    report = OrganizationAISpendReport(
        **bounds(asked),
        retention_start=None if since is None else moment(since),
        count=len(everybody),
        totals=AISpendTotals(
            **usage(total(everybody.values())),
            session_count=None if sessions is None else sum(sessions.values()),
        ),
        users=[_user(*row, sessions, on_page) for row in page],
        **_names(used),
    )
    return JsonResponse(report)


def _sessions(connection: Connection, where: UsageFilter, users: Iterable[Key]) -> Sessions:
    found = count_sessions(connection, where)
    return {user: found.get(user, 0) for (user,) in users}


def _user(
    user: UserRow, used: Usage, sessions: Sessions | None, on_page: Iterable[Key]
) -> OrganizationAISpendUser:
    return OrganizationAISpendUser(
        user_id=user.id,
        username=user.username,
        name=user.name,
        avatar_url=user.avatar_url,
        **usage(used),
        session_count=None if sessions is None else sessions[user.id],
        **_names(key[1:] for key in on_page if key[0] == user.id),
    )


def _names(keys: Iterable[Key]) -> dict[str, Any]:
    """Return the distinct providers, models and clients, each ascending."""
    found = [sorted(set(names)) for names in zip(*keys, strict=True)] or [[], [], []]
    return dict(zip(("providers", "models", "clients"), found, strict=True))
