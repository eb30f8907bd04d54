"""What was spent in a period, told apart by one thing: users, groups, days, repos and the like."""

from collections.abc import Mapping
from dataclasses import replace
from typing import get_args

from fastapi import APIRouter, Request

from aibridge.api.access import Caller, Visitor, reading_spend
from aibridge.api.documented import PAGING, documented, one_of
from aibridge.api.groups import check_organization
from aibridge.api.organizations import OrganizationPath
from aibridge.api.parameters import Paging, Parameters
from aibridge.api.responses import JsonResponse
from aibridge.api.spend.asked import (
    PERIOD,
    PROVIDER_TYPE,
    REPORT_DAYS,
    SPENT_ON,
    USER,
    of_users,
    period,
    spent_on,
)
from aibridge.api.spend.shapes import bounds, total, usage
from aibridge.contract import AISpendBreakdown, AISpendPart, AIUsage, SpendBy
from aibridge.identity.rights import Reach, Right
from aibridge.ids import moment
from aibridge.sessions.reading import READING_SECONDS
from aibridge.store.people import groups
from aibridge.store.people.users import Connection
from aibridge.store.usage.daily import SEVERAL, Facet, Key, Usage, UsageFilter, sums, top_users

router = APIRouter(tags=["spend"], dependencies=reading_spend())

WAYS: tuple[str, ...] = get_args(SpendBy)


@router.get(
    "/organizations/{organization}/ai/spend",
    **documented(
        AISpendBreakdown,
        parameters=(
            one_of("by", "What it is told apart by; users where it is left out.", WAYS),
            USER,
            *PERIOD,
            PROVIDER_TYPE,
            *SPENT_ON,
            *PAGING,
        ),
    ),
)
def list_spend(request: Request, organization: OrganizationPath, caller: Caller) -> JsonResponse:
    """List the parts of what was spent in a period; who may not read others sees their own.

    What was made for several pull requests or issues counts whole for each of them, and once in the
    totals. It is beyond the contract.
    """
    check_organization(organization)
    parameters = Parameters(request.query_params)
    way = parameters.one_of("by", WAYS)
    asked = period(parameters, most_days=REPORT_DAYS)
    by = Facet(way or Facet.USER)
    where = UsageFilter(*asked, kinds=spent_on(parameters))
    paging = parameters.paging()
    with caller.services.database.read(seconds=READING_SECONDS) as connection:
        where = replace(where, user_ids=of_users(connection, caller, parameters.text("user")))
        parts = sums(connection, where, by)
        added = total(parts.values()) if by not in SEVERAL else sums(connection, where)[()]
        shown = _page(connection, caller, where, by, parts, paging)
    breakdown = AISpendBreakdown(
        **bounds(asked),
        by=by.value,
        count=len(parts),
        totals=AIUsage(**usage(added)),
        parts=shown,
    )
    return JsonResponse(breakdown)


def _page(
    connection: Connection,
    caller: Visitor,
    where: UsageFilter,
    by: Facet,
    parts: Mapping[Key, Usage],
    paging: Paging,
) -> list[AISpendPart]:
    if by is Facet.USER:
        rows = top_users(connection, where, limit=paging.limit, offset=paging.offset)
        return [_part(user.id, user.username, used) for user, used in rows]
    if by is Facet.DAY:
        named = [_part(_date(day), _date(day), parts[day,]) for (day,) in sorted(parts)]
    elif by is Facet.GROUP:
        names = _group_names(connection, caller, [one for (one,) in parts])
        found = (_part(one or None, names.get(one, ""), used) for (one,), used in parts.items())
        named = sorted(found, key=_dearest_first)
    else:
        found = (_part(one, one, used) for (one,), used in parts.items())
        named = sorted(found, key=_dearest_first)
    return named[paging.offset :][: paging.limit]


def _date(day: int) -> str:
    return moment(day).date().isoformat()


def _group_names(connection: Connection, caller: Visitor, ids: list[str]) -> dict[str, str]:
    """Return the names of those groups that the caller may see."""
    mine = [] if caller.reach(Right.READ_GROUPS) is Reach.ALL else [caller.person.user_id]
    return {
        group.id: group.name for group in groups.list_groups(connection, of_users=mine, ids=ids)
    }


def _dearest_first(part: AISpendPart) -> tuple[int, str, str]:
    return -part.cost_micros, part.name, part.key or ""


def _part(key: str | None, name: str, used: Usage) -> AISpendPart:
    return AISpendPart(key=key, name=name, **usage(used))
