"""What caches of prompts saved in a period, and what missing them cost."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, get_args

from fastapi import APIRouter, Request

from aibridge.api.access import Caller, reading_spend
from aibridge.api.documented import PAGING, documented, one_of
from aibridge.api.errors import ApiError
from aibridge.api.groups import check_organization
from aibridge.api.organizations import OrganizationPath
from aibridge.api.parameters import Parameters
from aibridge.api.responses import JsonResponse
from aibridge.api.spend.asked import (
    EXPORT_DAYS,
    PERIOD,
    SPENT_ON,
    USER,
    of_users,
    period,
    spent_on,
)
from aibridge.api.spend.shapes import bounds
from aibridge.budgets.caching import (
    MOST_CALLS,
    CacheEconomics,
    Key,
    Misses,
    TooManyCallsError,
    cache_economics,
)
from aibridge.contract import AICacheMisses, AICachePart, AICacheReport, AICacheUsage, CacheBy
from aibridge.sessions.reading import READING_SECONDS
from aibridge.store.usage.daily import UsageFilter, names_of

router = APIRouter(tags=["spend"], dependencies=reading_spend())

WAYS: tuple[str, ...] = get_args(CacheBy)


@router.get(
    "/organizations/{organization}/ai/spend/cache",
    **documented(
        AICacheReport,
        parameters=(
            one_of("by", "What it is told apart by; sessions where it is left out.", WAYS),
            USER,
            *PERIOD,
            *SPENT_ON,
            *PAGING,
        ),
    ),
)
def list_cache_economics(
    request: Request, organization: OrganizationPath, caller: Caller
) -> JsonResponse:
    """List what caches saved and what missing them cost, the dearest misses first.

    A call missed what the last call of its session and model that used the cache had there (read or
    wrote) and it did not read, as far as it sent as much uncached or wrote it; where the provider
    says how many tokens were missed, those. The reason is the provider's. Where it gave none, it is
    `expired` if that call began longer ago than the shortest lifetime that was written (5 or 30
    minutes, 1 or 12 hours; 5 minutes where none was told), else `unknown`: the prompt's beginning
    has changed. Only calls that began in the period, of 31 days at most, are looked at,
    and 200,000 at most. Who may not read others sees their own. It is beyond the contract.
    """
    check_organization(organization)
    parameters = Parameters(request.query_params)
    by = parameters.one_of("by", WAYS) or WAYS[0]
    asked = period(parameters, most_days=EXPORT_DAYS)
    where = UsageFilter(*asked, kinds=spent_on(parameters))
    paging = parameters.paging()
    database = caller.services.database
    with database.read(seconds=READING_SECONDS) as connection:
        where = replace(where, user_ids=of_users(connection, caller, parameters.text("user")))
    try:
        parts, total = cache_economics(database, where, by, seconds=READING_SECONDS)
    except TooManyCallsError:
        message = f"The period has more than {MOST_CALLS:,} calls: ask for a shorter one, or less."
        raise ApiError(400, message) from None
    shown = sorted(parts.items(), key=_dearest_first)[paging.offset :][: paging.limit]
    with database.read(seconds=READING_SECONDS) as connection:
        names = names_of(connection, {user for (_, user), _ in shown if user})
    report = AICacheReport(
        **bounds(asked),
        by=by,
        count=len(parts),
        totals=AICacheUsage(**_usage(total)),
        parts=[_part(key, used, names) for key, used in shown],
    )
    return JsonResponse(report)


def _dearest_first(part: tuple[Key, CacheEconomics]) -> tuple[Decimal, int, Decimal, Key]:
    key, used = part
    return -used.missed.cost, -used.missed.tokens, -used.saved, key


def _part(key: Key, used: CacheEconomics, names: Mapping[str, str]) -> AICachePart:
    name, user_id = key
    return AICachePart(
        key=name, user_id=user_id or None, username=names.get(user_id, ""), **_usage(used)
    )


def _usage(used: CacheEconomics) -> dict[str, Any]:
    """Return the fields of an `AICacheUsage`; amounts are rounded to the micro-dollar."""
    saved, extra = round(used.saved), round(used.extra)
    missed = used.missed
    dearest = sorted(used.misses.items(), key=lambda each: (-each[1].cost, each[0]))
    return {
        "request_count": used.requests,
        "input_tokens": used.input_tokens,
        "cache_read_input_tokens": used.read,
        "cache_write_input_tokens": used.written,
        "saved_micros": saved,
        "write_extra_micros": extra,
        "net_micros": saved - extra,
        "missed_input_tokens": missed.tokens,
        "miss_cost_micros": round(missed.cost),
        "unpriced_usage_count": used.unpriced,
        "misses": [_misses(reason, each) for reason, each in dearest],
    }


def _misses(reason: str, of: Misses) -> AICacheMisses:
    cost = round(of.cost)
    return AICacheMisses(
        reason=reason, miss_count=of.count, input_tokens=of.tokens, cost_micros=cost
    )
