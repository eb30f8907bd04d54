"""What other limits would have refused of what was spent; beyond the contract.

Money is in micro-dollars.
"""

from datetime import date
from typing import Annotated

from pydantic import Field

from aibridge.contract.base import Body, Id, Model, Open, SmallBody
from aibridge.contract.budgets import SpendLimit
from aibridge.contract.groups import MAX_NAMES
from aibridge.contract.spend import AISpendPeriod
from aibridge.contract.words import LimitSource


class SimulatedGroupLimit(SmallBody):
    """A limit for each member of a group, or null for none from it."""

    spend_limit_micros: SpendLimit | None


class SimulatedUserLimit(SimulatedGroupLimit):
    """A user's own limit, or null for those of their groups.

    ``group``, by its name or id, is charged with what they spend; the one of now if left out.
    """

    group: Annotated[str, Field(max_length=64)] = ""


class SimulateAISpendRequest(Body):
    """The limits that are to be tried, by the names or ids of groups and users.

    What is not named keeps its limit.
    """

    groups: dict[str, SimulatedGroupLimit] = Field(default_factory=dict, max_length=MAX_NAMES)
    users: dict[str, SimulatedUserLimit] = Field(default_factory=dict, max_length=MAX_NAMES)


class AISpendSimulated(Model):
    """What was spent, and how much of it would have been refused.

    ``limited_user_count`` are those of the users who would have reached their limit.
    """

    cost_micros: int
    refused_micros: int
    user_count: int
    limited_user_count: int


class AISpendSimulatedTotals(AISpendSimulated):
    """The same of all users together, and how many records of usage have a part without a price."""

    unpriced_usage_count: int


class AISpendSimulatedGroup(AISpendSimulated):
    """The same of those who would have been charged to a group that the policy names."""

    group_id: Id
    name: str
    spend_limit_micros: int | None


class AISpendSimulatedMonth(Model):
    """A month of a user: the limit that would have applied, and when they would have reached it.

    ``username`` is empty where the user was deleted. Days are of UTC.
    """

    user_id: Id
    username: str
    month: date
    """Its first day."""
    group_id: Id
    """The group that would have been charged."""
    spend_limit_micros: int | None
    limit_source: Open[LimitSource] | None
    reached_on: date | None
    cost_micros: int
    refused_micros: int


class AISpendSimulation(AISpendPeriod):
    """What limits would have refused in a period, by days.

    ``groups`` are those that the policy names. ``users`` has the months of who would have reached
    their limit, and of those whom the policy names, those first of whom most would have been
    refused.
    """

    totals: AISpendSimulatedTotals
    groups: list[AISpendSimulatedGroup]
    users: list[AISpendSimulatedMonth]
