"""Groups, and the budgets of their members."""

from collections.abc import Iterable

from aibridge.contract import (
    GroupAIBudget,
    GroupDetail,
    Organization,
    UserAIBudgetOverride,
)
from aibridge.sdk.connection import Connection
from aibridge.sdk.endpoints import groups
from aibridge.sdk.endpoints.groups import DEFAULT
from aibridge.sdk.names import Name


class GroupMethods(Connection):
    """What a client does with groups and budgets.

    A group is an id or a name. What reads like a UUID is an id; the id of a name is looked up
    first, by a request of its own.
    """

    def list_organizations(self) -> list[Organization]:
        """Return the organizations; there is one."""
        return self._ask(groups.organizations())

    def list_groups(self, organization: Name = DEFAULT) -> list[GroupDetail]:
        """Return the groups, each with its first 100 members."""
        return self._ask(groups.groups(organization))

    def get_group(self, group: Name, organization: Name = DEFAULT) -> GroupDetail:
        """Return a group with its members."""
        return self._ask(groups.group(group, organization))

    def create_group(
        self, name: str, *, display_name: str | None = None, organization: Name = DEFAULT
    ) -> GroupDetail:
        """Make a group and return it. Raises `Conflict` when there is one of that name."""
        return self._ask(
            groups.create_group(name, display_name=display_name, organization=organization)
        )

    def update_group(
        self, group: Name, *, name: str | None = None, display_name: str | None = None
    ) -> GroupDetail:
        """Change what is given of a group, and return it."""
        return self._ask(groups.update_group(group, name=name, display_name=display_name))

    def add_group_members(self, group: Name, users: Iterable[Name]) -> GroupDetail:
        """Add users, by their ids or usernames, to a group, and return it."""
        return self._ask(groups.add_members(group, users))

    def remove_group_members(self, group: Name, users: Iterable[Name]) -> GroupDetail:
        """Take users, by their ids or usernames, out of a group, and return it."""
        return self._ask(groups.remove_members(group, users))

    def delete_group(self, group: Name) -> None:
        """Delete a group, and its budget."""
        return self._ask(groups.delete_group(group))

    def group_ai_budget(self, group: Name) -> GroupAIBudget:
        """Return a group's budget. Raises `NotFound` when it has none: then there is no limit."""
        return self._ask(groups.group_budget(group))

    def upsert_group_ai_budget(self, group: Name, spend_limit_micros: int) -> GroupAIBudget:
        """Let each member of a group spend so many micro-dollars a month; 0 allows nothing."""
        return self._ask(groups.set_group_budget(group, spend_limit_micros))

    def delete_group_ai_budget(self, group: Name) -> None:
        """Take a group's budget away: it limits nobody any more."""
        return self._ask(groups.delete_group_budget(group))

    def user_ai_budget_override(self, user: Name = "me") -> UserAIBudgetOverride:
        """Return a user's own limit. Raises `NotFound` when they have none."""
        return self._ask(groups.override(user))

    def upsert_user_ai_budget_override(
        self, user: Name, *, group_id: Name, spend_limit_micros: int
    ) -> UserAIBudgetOverride:
        """Give a user a limit of their own, in micro-dollars a month, instead of any group's.

        What they spend is charged to ``group_id``, the id or the name of a group they are in.
        """
        return self._ask(
            groups.set_override(user, group_id=group_id, spend_limit_micros=spend_limit_micros)
        )

    def delete_user_ai_budget_override(self, user: Name) -> None:
        """Take a user's own limit away: those of their groups count again."""
        return self._ask(groups.delete_override(user))
