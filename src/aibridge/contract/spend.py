"""Spending: what people and groups spent in a period, and what it was spent on.

Money is in micro-dollars, and as much as is known: where any usage is unpriced, which
``unpriced_usage_count`` and its like tell, at least so much was spent.
"""

from aibridge.contract.base import Id, Model, Open, Page, Time
from aibridge.contract.words import CacheBy, LimitSource, SpendBy


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


class AICacheMisses(Model):
    """Input that was cached earlier and was sent uncached or written again, for one reason.

    The reason is the provider's word, such as ``system_changed``; where it gave none, ``expired``
    or ``unknown``. ``cost_micros`` is what it cost more than reading it from the cache.
    """

    reason: str
    miss_count: int
    input_tokens: int
    cost_micros: int


class AICacheUsage(Model):
    """What was used of caches, what that saved, and what missing them cost.

    ``saved_micros`` is what reads would have cost more as plain input, ``write_extra_micros`` what
    writes cost above plain input, ``net_micros`` the first without the second. What has no price is
    in no amount: ``unpriced_usage_count`` records of usage used or missed a cache without one.
    """

    request_count: int
    input_tokens: int
    cache_read_input_tokens: int
    cache_write_input_tokens: int
    saved_micros: int
    write_extra_micros: int
    net_micros: int
    missed_input_tokens: int
    miss_cost_micros: int
    unpriced_usage_count: int
    misses: list[AICacheMisses]


class AICachePart(AICacheUsage):
    """The same of one session, client or model; ``key`` is its id or its name.

    ``user_id`` and ``username`` are those of a session, else null and empty.
    """

    key: str
    user_id: Id | None
    username: str


class AICacheReport(Page[AICachePart], AISpendPeriod):
    """A page of parts, those first whose misses cost the most.

    ``totals`` is of all parts, and ``count`` their number, whatever the page.
    """

    by: Open[CacheBy]
    totals: AICacheUsage
    parts: list[AICachePart]

    @property
    def items(self) -> list[AICachePart]:
        """The parts on this page."""
        return self.parts
