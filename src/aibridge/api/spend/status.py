"""What users, groups and members of groups spent this month, and their limits."""

from typing import Annotated

from fastapi import APIRouter, Path, Request

from aibridge.api.access import Caller, Visitor, reading_spend
from aibridge.api.documented import documented
from aibridge.api.groups import GroupPath, check_organization, named_group, visible
from aibridge.api.organizations import OrganizationPath
from aibridge.api.parameters import Parameters
from aibridge.api.responses import JsonResponse
from aibridge.api.shapes import ORGANIZATION
from aibridge.api.spend.asked import ids, ids_of
from aibridge.api.spend.shapes import bounds
from aibridge.api.users import UserPath, named_user
from aibridge.budgets.effective import EffectiveBudget
from aibridge.budgets.periods import month_of
from aibridge.budgets.spend import (
    GroupSpend,
    MemberSpend,
    spend_of_groups,
    spend_of_members,
    spend_of_users,
)
from aibridge.contract import (
    AIBudgetLimit,
    GroupAISpend,
    GroupMemberAISpend,
    GroupMembersAISpend,
    OrganizationGroupAISpend,
    OrganizationGroupsAISpend,
    UserAISpendStatus,
)
from aibridge.identity.rights import Reach, Right
from aibridge.ids import now
from aibridge.sessions.reading import READING_SECONDS
from aibridge.store.people import groups as store
from aibridge.store.people.groups import Group
from aibridge.store.people.users import Connection

router = APIRouter(tags=["spend"], dependencies=reading_spend())


@router.get("/users/{user}/ai/spend", **documented(UserAISpendStatus))
def show_user_spend(user: UserPath, caller: Caller) -> JsonResponse:
    """Show what a user spent this month, in all, and the budget that it counts against."""
    month = month_of(now())
    with caller.services.database.read(seconds=READING_SECONDS) as connection:
        found = named_user(connection, caller, user, Right.READ_USERS)
        (spend,) = spend_of_users(connection, [found.id], month)
    answer = UserAISpendStatus(
        user_id=found.id,
        effective_group_id=spend.budget.group_id,
        effective_budget=_limit(spend.budget),
        current_spend_micros=spend.used.cost_micros,
        unpriced_usage_count=spend.used.unpriced,
        **bounds(month),
    )
    return JsonResponse(answer)


def _limit(budget: EffectiveBudget) -> AIBudgetLimit | None:
    if budget.spend_limit_micros is None or budget.source is None:
        return None
    return AIBudgetLimit(spend_limit_micros=budget.spend_limit_micros, limit_source=budget.source)


@router.get("/groups/{group}/ai/spend", **documented(GroupAISpend))
def show_group_spend(group: GroupPath, caller: Caller) -> JsonResponse:
    """Show what was charged to a group this month, and its limits."""
    month = month_of(now())
    with caller.services.database.read(seconds=READING_SECONDS) as connection:
        found = named_group(connection, caller, group)
        (spend,) = spend_of_groups(connection, [found], month)
    return JsonResponse(GroupAISpend(**dict(_group(spend)), **bounds(month)))


@router.get(
    "/organizations/{organization}/groups/ai/spend",
    **documented(
        OrganizationGroupsAISpend, parameters=[ids_of("group_ids", "The groups that are meant")]
    ),
)
def list_spend_of_groups(
    request: Request, organization: OrganizationPath, caller: Caller
) -> JsonResponse:
    """List what was charged to some groups this month; those not to be seen are left out."""
    check_organization(organization)
    asked = ids(Parameters(request.query_params), "group_ids")
    month = month_of(now())
    with caller.services.database.read(seconds=READING_SECONDS) as connection:
        mine = [] if caller.reach(Right.READ_GROUPS) is Reach.ALL else [caller.person.user_id]
        groups = store.list_groups(connection, of_users=mine, ids=asked)
        found = spend_of_groups(connection, groups, month)
    shown = sorted(map(_group, found), key=lambda group: group.group_id)
    return JsonResponse(OrganizationGroupsAISpend(groups=shown, **bounds(month)))


def _group(spend: GroupSpend) -> OrganizationGroupAISpend:
    return OrganizationGroupAISpend(
        group_id=spend.group_id,
        organization_id=ORGANIZATION.id,
        spend_limit_micros=spend.limit,
        total_spend_limit_micros=spend.total_limit,
        current_spend_micros=spend.used.cost_micros,
        unpriced_usage_count=spend.used.unpriced,
    )


_MEMBERS = documented(
    GroupMembersAISpend, parameters=[ids_of("user_ids", "The members that are meant")]
)


@router.get("/groups/{group}/members/ai/spend", **_MEMBERS)
def list_spend_of_members(request: Request, group: GroupPath, caller: Caller) -> JsonResponse:
    """List what some members of a group spent this month; those not to be seen are left out."""
    asked = ids(Parameters(request.query_params), "user_ids")
    with caller.services.database.read(seconds=READING_SECONDS) as connection:
        found = named_group(connection, caller, group)
        return _members(connection, caller, found, asked)


@router.get("/organizations/{organization}/groups/{name}/members/ai/spend", **_MEMBERS)
def list_spend_of_members_by_name(
    request: Request,
    organization: OrganizationPath,
    name: Annotated[str, Path(max_length=64, description="The group's name, in either case.")],
    caller: Caller,
) -> JsonResponse:
    """List the same of a group that is found by its name."""
    check_organization(organization)
    asked = ids(Parameters(request.query_params), "user_ids")
    with caller.services.database.read(seconds=READING_SECONDS) as connection:
        found = visible(connection, caller, store.group_by_name(connection, name))
        return _members(connection, caller, found, asked)


def _members(
    connection: Connection, caller: Visitor, group: Group, asked: list[str]
) -> JsonResponse:
    month = month_of(now())
    seen = [one for one in asked if caller.allows(Right.READ_USERS, one)]
    members = sorted(user.id for user in store.members(connection, group, only=seen))
    found = spend_of_members(connection, group, members, month)
    shown = [_member(group, member) for member in found]
    return JsonResponse(GroupMembersAISpend(members=shown, **bounds(month)))


def _member(group: Group, member: MemberSpend) -> GroupMemberAISpend:
    budget, used = member.user.budget, member.user.used
    return GroupMemberAISpend(
        user_id=member.user.user_id,
        effective_group_id=budget.group_id,
        effective_budget=_limit(budget),
        effective_spend_limit_micros=budget.spend_limit_micros,
        effective_limit_source=budget.source,
        group_spend_limit_micros=member.limit_by(group.id),
        group_spend_micros=member.charged.cost_micros,
        group_unpriced_usage_count=member.charged.unpriced,
        current_spend_micros=used.cost_micros,
        unpriced_usage_count=used.unpriced,
    )
