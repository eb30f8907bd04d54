"""Budgets of groups, and single users' own limits (contract, sections 1.10 and 1.11)."""

from typing import Annotated

from fastapi import APIRouter, Response

from aibridge.api import shapes
from aibridge.api.access import Caller
from aibridge.api.bodies import body
from aibridge.api.documented import documented
from aibridge.api.errors import not_found, trouble
from aibridge.api.groups import GroupPath, named_group
from aibridge.api.responses import JsonResponse, no_content
from aibridge.api.users import UserPath, named_user
from aibridge.budgets import limits
from aibridge.contract import (
    GroupAIBudget,
    UpsertGroupAIBudgetRequest,
    UpsertUserAIBudgetOverrideRequest,
    UserAIBudgetOverride,
)
from aibridge.identity.rights import Right
from aibridge.store.people import budgets as store

router = APIRouter(tags=["budgets"], dependencies=[trouble("Internal error with AI budgets.")])


@router.get("/groups/{group}/ai/budget", **documented(GroupAIBudget))
def show_group_budget(group: GroupPath, caller: Caller) -> JsonResponse:
    """Show what each member of a group may spend; 404 where there is no limit."""
    with caller.services.database.read() as connection:
        found = named_group(connection, caller, group, Right.READ_BUDGETS)
        budget = store.group_budget(connection, found.id)
    if budget is None:
        raise not_found()
    return JsonResponse(shapes.group_budget(budget))


@router.put(
    "/groups/{group}/ai/budget", **documented(GroupAIBudget, body=UpsertGroupAIBudgetRequest)
)
def put_group_budget(
    group: GroupPath,
    caller: Caller,
    wanted: Annotated[UpsertGroupAIBudgetRequest, body(UpsertGroupAIBudgetRequest)],
) -> JsonResponse:
    """Set what each member of a group may spend; 0 is nothing."""
    with caller.acting() as act:
        found = named_group(act.connection, caller, group, Right.WRITE_BUDGETS)
        budget = limits.set_group_budget(act, found, wanted.spend_limit_micros)
    return JsonResponse(shapes.group_budget(budget))


@router.delete("/groups/{group}/ai/budget", **documented(status=204))
def delete_group_budget(group: GroupPath, caller: Caller) -> Response:
    """Lift the limit of a group."""
    with caller.acting() as act:
        found = named_group(act.connection, caller, group, Right.WRITE_BUDGETS)
        limits.delete_group_budget(act, found)
    return no_content()


_OVERRIDE = "/users/{user}/ai/budget/override"
_EARLIER = "/users/{user}/ai/budget"
"""Where earlier clients of the original look for it."""
_PUT_OVERRIDE = documented(UserAIBudgetOverride, body=UpsertUserAIBudgetOverrideRequest)


@router.get(_OVERRIDE, **documented(UserAIBudgetOverride))
@router.get(_EARLIER, **documented(UserAIBudgetOverride), name="show_override_earlier")
def show_override(user: UserPath, caller: Caller) -> JsonResponse:
    """Show a user's own limit; 404 where they have none."""
    with caller.services.database.read() as connection:
        found = named_user(connection, caller, user, Right.READ_OVERRIDES)
        override = store.override(connection, found.id)
    if override is None:
        raise not_found()
    return JsonResponse(shapes.override(override))


@router.put(_OVERRIDE, **_PUT_OVERRIDE)
@router.put(_EARLIER, **_PUT_OVERRIDE, name="put_override_earlier")
def put_override(
    user: UserPath,
    caller: Caller,
    wanted: Annotated[UpsertUserAIBudgetOverrideRequest, body(UpsertUserAIBudgetOverrideRequest)],
) -> JsonResponse:
    """Set a user's own limit, charged to a group of theirs. It replaces any group's."""
    with caller.acting() as act:
        found = named_user(act.connection, caller, user, Right.WRITE_OVERRIDES)
        group = named_group(act.connection, caller, wanted.group_id)
        override = limits.set_override(act, found, group, wanted.spend_limit_micros)
    return JsonResponse(shapes.override(override))


@router.delete(_OVERRIDE, **documented(status=204))
@router.delete(_EARLIER, **documented(status=204), name="delete_override_earlier")
def delete_override(user: UserPath, caller: Caller) -> Response:
    """Take a user's own limit away."""
    with caller.acting() as act:
        found = named_user(act.connection, caller, user, Right.WRITE_OVERRIDES)
        limits.delete_override(act, found)
    return no_content()
