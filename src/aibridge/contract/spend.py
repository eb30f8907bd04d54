"""Spending: what people and groups spent in a period, and what it was spent on.

Money is in micro-dollars, and as much as is known: where any usage is unpriced, which
``unpriced_usage_count`` and its like tell, at least so much was spent.
"""

from aibridge.contract.base import Id, Model, Open, Page, Time
from aibridge.contract.words import LimitSource, SpendBy


class AISpendPeriod(Model):
    """The time that was looked at, from its start to before its end: whole days in UTC."""

    period_start: Time
    period_end: Time


class AIBudgetLimit(Model):
    """A limit a month, and whether it is the user's own or a group's."""

    spend_limit_micros: int
    limit_source: Open[LimitSource]


class UserAISpendStatus(AISpendPeriod):
    """What a user spent this month, in all, and the limit that it counts against.

    Without ``effective_budget`` nothing limits them. ``effective_group_id`` is the group that their
    spending is charged to.
    """

    user_id: Id
    effective_group_id: Id | None
    effective_budget: AIBudgetLimit | None
    current_spend_micros: int
    unpriced_usage_count: int = 0
    """Records of usage of which a part has no price; beyond the contract."""


class OrganizationGroupAISpend(Model):
    """What was charged to a group this month, and its limits; null where it has no budget.

    ``spend_limit_micros`` is for each member, ``total_spend_limit_micros`` for all members whose
    spending is charged to this group together, with the limits that some have of their own.
    """

    group_id: Id
    organization_id: Id
    spend_limit_micros: int | None
    total_spend_limit_micros: int | None
    current_spend_micros: int
    unpriced_usage_count: int = 0


class GroupAISpend(OrganizationGroupAISpend, AISpendPeriod):
    """The same of one group, with the period."""


class OrganizationGroupsAISpend(AISpendPeriod):
    """What was charged to some groups this month."""

    groups: list[OrganizationGroupAISpend]


class GroupMemberAISpend(Model):
    """What a member of a group spent this month.

    ``group_spend_micros`` was charged to this group, ``current_spend_micros`` is all they spent,
    which counts against their limit. The group's limit is null where another group is charged. The
    effective limit stands there twice: newer clients read ``effective_budget``.
    """

    user_id: Id
    effective_group_id: Id | None
    effective_budget: AIBudgetLimit | None
    effective_spend_limit_micros: int | None
    effective_limit_source: Open[LimitSource] | None
    group_spend_limit_micros: int | None
    group_spend_micros: int
    group_unpriced_usage_count: int = 0
    current_spend_micros: int = 0
    unpriced_usage_count: int = 0


class GroupMembersAISpend(AISpendPeriod):
    """What some members of a group spent this month."""

    members: list[GroupMemberAISpend]


class AIUsage(Model):
    """What was used, and what it costs as far as it has a price."""

    cost_micros: int
    unpriced_usage_count: int
    request_count: int
    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int
    cache_write_input_tokens: int


class AISpendTotals(AIUsage):
    """The same of all users together.

    ``session_count`` is null where the period begins before what is still on record; spending is
    kept for longer.
    """

    session_count: int | None


class OrganizationAISpendUser(AISpendTotals):
    """What one user spent, and the providers, models and clients that they used, ascending.

    ``username`` is empty when the user was deleted.
    """

    user_id: Id
    username: str
    name: str
    avatar_url: str
    providers: list[str]
    models: list[str]
    clients: list[str]


class OrganizationAISpendReport(Page[OrganizationAISpendUser], AISpendPeriod):
    """A page of users by what they spent, the most first, with the totals of all of them.

    ``count`` is how many users there are, whatever the page. ``retention_start`` is since when the
    record is whole, null where it is kept for ever.
    """

    retention_start: Time | None
    totals: AISpendTotals
    users: list[OrganizationAISpendUser]
    providers: list[str]
    models: list[str]
    clients: list[str]

    @property
    def items(self) -> list[OrganizationAISpendUser]:
        """The users of this page."""
        return self.users


class AISpendPart(AIUsage):
    """What was spent on one user, group, day, provider, model, client, or what it was made for.

    ``key`` is its id, its day (``2026-01-31``) or its name. It is null where it is not known to
    which group something is charged, and empty for what was made for no repository, branch, pull
    request or issue that is known. ``name`` is empty where the user or group is gone.
    """

    key: str | None
    name: str


class AISpendBreakdown(Page[AISpendPart], AISpendPeriod):
    """A page of parts of what was spent: days in their order, else the dearest first.

    ``totals`` is all that was spent, and ``count`` the number of parts, whatever the page. Parts
    add up to it, unless they are pull requests or issues: a call that was made for several counts
    whole for each.
    """

    by: Open[SpendBy]
    totals: AIUsage
    parts: list[AISpendPart]

    @property
    def items(self) -> list[AISpendPart]:
        """The parts on this page."""
        return self.parts
