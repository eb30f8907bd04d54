"""Limits of spending as commands show them: those of groups, and users' own."""

from typing import TYPE_CHECKING

from aibridge.budgets.money import dollars

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aibridge.contract import (
        Group,
        GroupAIBudget,
        GroupDetail,
        GroupMember,
        UserAIBudgetOverride,
    )
    from aibridge.sdk import Client

NO_LIMIT = "no limit"
NO_BUDGET = "no budget"
"""Said of a group that limits nobody."""
UNLIMITED = "unlimited"
"""Said of a user whom nothing limits."""


def limit_text(budget: "GroupAIBudget | UserAIBudgetOverride | None") -> str:
    """Return a limit in dollars."""
    return NO_LIMIT if budget is None else dollars(budget.spend_limit_micros)


def group_budget(client: "Client", group: "Group") -> "GroupAIBudget | None":
    """Return the budget of a group, ``None`` where its members have no limit from it."""
    from aibridge.sdk import NotFound  # noqa: PLC0415 - it takes a while to import

    try:
        return client.group_ai_budget(group.id)
    except NotFound:
        return None


def own_limits(
    client: "Client", group: "GroupDetail", members: "Iterable[GroupMember] | None" = None
) -> "Iterator[str]":
    """Yield which members have a limit of their own that is charged to a group, and how much.

    All members of the group are asked about, or only these.
    """
    from aibridge.sdk import NotFound  # noqa: PLC0415 - see above

    for member in group.members if members is None else members:
        try:
            override = client.user_ai_budget_override(member.id)
        except NotFound:
            continue
        if override.group_id == group.id:
            yield f"{member.username or member.id} ({limit_text(override)})"
