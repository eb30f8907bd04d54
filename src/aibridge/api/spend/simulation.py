"""What other limits would have refused of what was spent in a period; it changes nothing."""

from collections.abc import Iterable, Iterator
from typing import Annotated

from fastapi import APIRouter, Request

from aibridge.api.access import Caller, reading_spend
from aibridge.api.bodies import MAX_BYTES_OF_NAMES, body
from aibridge.api.documented import documented
from aibridge.api.groups import check_organization
from aibridge.api.organizations import OrganizationPath
from aibridge.api.parameters import Parameters
from aibridge.api.responses import JsonResponse
from aibridge.api.spend.asked import PERIOD, REPORT_DAYS, check_reads_everybody, period
from aibridge.api.spend.shapes import bounds
from aibridge.budgets.policies import NamedLimit, read_policy, simulate
from aibridge.budgets.simulation import Policy, Totals, UserMonth, total
from aibridge.contract import (
    AISpendSimulatedGroup,
    AISpendSimulatedMonth,
    AISpendSimulatedTotals,
    AISpendSimulation,
    SimulateAISpendRequest,
)
from aibridge.ids import moment
from aibridge.sessions.reading import READING_SECONDS
from aibridge.store.people import groups
from aibridge.store.people.groups import Group
from aibridge.store.people.users import Connection
from aibridge.store.usage.daily import Usage, UsageFilter, sums, usernames

router = APIRouter(tags=["spend"], dependencies=reading_spend())


@router.post(
    "/organizations/{organization}/ai/spend/simulation",
    **documented(AISpendSimulation, body=SimulateAISpendRequest, parameters=PERIOD),
)
def simulate_spend(
    request: Request,
    organization: OrganizationPath,
    caller: Caller,
    wanted: Annotated[
        SimulateAISpendRequest, body(SimulateAISpendRequest, max_bytes=MAX_BYTES_OF_NAMES)
    ],
) -> JsonResponse:
    """Answer what other limits would have refused of what was spent in a period, day by day.

    It changes nothing.
    """
    check_organization(organization)
    check_reads_everybody(caller)
    asked = period(Parameters(request.query_params), most_days=REPORT_DAYS)
    where = UsageFilter(*asked)
    with caller.services.database.read(seconds=READING_SECONDS) as connection:
        policy = _policy(connection, wanted)
        months = simulate(connection, policy, asked)
        used = sums(connection, where).get((), Usage())
        names = usernames(connection, where)
        named = groups.list_groups(connection, ids=policy.groups.keys())
    totals = AISpendSimulatedTotals(**_sums(total(months)), unpriced_usage_count=used.unpriced)
    answer = AISpendSimulation(
        **bounds(asked),
        totals=totals,
        groups=[_group(group, policy, months) for group in named],
        users=[_month(one, names.get(one.user_id, "")) for one in _shown(months, policy, names)],
    )
    return JsonResponse(answer)


def _policy(connection: Connection, wanted: SimulateAISpendRequest) -> Policy:
    of_groups = {name: one.spend_limit_micros for name, one in wanted.groups.items()}
    of_users = {
        name: NamedLimit(one.spend_limit_micros, one.group) for name, one in wanted.users.items()
    }
    return read_policy(connection, of_groups, of_users)


def _sums(of: Totals) -> dict[str, int]:
    return {
        "cost_micros": of.spent,
        "refused_micros": of.refused,
        "user_count": of.users,
        "limited_user_count": of.reached,
    }


def _group(group: Group, policy: Policy, months: Iterable[UserMonth]) -> AISpendSimulatedGroup:
    charged = total(one for one in months if one.budget.group_id == group.id)
    return AISpendSimulatedGroup(
        group_id=group.id,
        name=group.name,
        spend_limit_micros=policy.groups[group.id],
        **_sums(charged),
    )


def _shown(
    months: Iterable[UserMonth], policy: Policy, names: dict[str, str]
) -> Iterator[UserMonth]:
    """Return the months that are told of by themselves, those first of which most is refused."""
    shown = (
        one for one in months if one.month.reached_on is not None or one.user_id in policy.users
    )

    def order(one: UserMonth) -> tuple[int, str, str, int]:
        name = names.get(one.user_id, "").lower()
        return -one.month.refused, name, one.user_id, one.month.start

    return iter(sorted(shown, key=order))


def _month(one: UserMonth, username: str) -> AISpendSimulatedMonth:
    month, budget = one.month, one.budget
    reached = month.reached_on
    return AISpendSimulatedMonth(
        user_id=one.user_id,
        username=username,
        month=moment(month.start).date(),
        group_id=budget.group_id,
        spend_limit_micros=budget.spend_limit_micros,
        limit_source=budget.source,
        reached_on=None if reached is None else moment(reached).date(),
        cost_micros=month.spent,
        refused_micros=month.refused,
    )
