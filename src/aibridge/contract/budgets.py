"""Budgets: how much a member of a group may spend a month, in micro-dollars."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from aibridge.contract.base import WHOLE, Body, Id, Model, Open, Time
from aibridge.contract.words import MAX_SPEND_LIMIT_MICROS, CapPeriod, CapScope

SpendLimit = Annotated[
    int, Field(ge=0, json_schema_extra={"maximum": MAX_SPEND_LIMIT_MICROS}), WHOLE
]
"""Micro-dollars per member and month; 0 allows nothing. No budget at all is no limit."""


class GroupAIBudget(Model):
    """The budget of a group: a limit for each member, not for all of them together."""

    group_id: Id
    spend_limit_micros: int
    created_at: Time
    updated_at: Time


class UpsertGroupAIBudgetRequest(Body):
    """The limit that a group's budget is to have. The field is required: nothing is not zero."""

    spend_limit_micros: SpendLimit


class UserAIBudgetOverride(Model):
    """One user's own limit, which replaces any group's; spending is charged to ``group_id``."""

    user_id: Id
    group_id: Id
    spend_limit_micros: int
    created_at: Time
    updated_at: Time


class AISpendCap(Model):
    """A limit beside the budgets, which holds by itself.

    ``target_id`` is the id of the group, user or token that it is of, as ``scope`` says.
    """

    id: Id
    scope: Open[CapScope]
    target_id: str
    target_name: str
    period: Open[CapPeriod]
    spend_limit_micros: int
    current_spend_micros: int | None
    """What counts against it now; `None` where each member or session has their own."""
    created_at: Time
    updated_at: Time


class UpsertAISpendCapRequest(Body):
    """The cap that a target is to have for a period, in the place of the one that it has."""

    scope: CapScope
    target_id: Annotated[str, Field(min_length=1, max_length=36)]
    period: CapPeriod
    spend_limit_micros: SpendLimit


class UpsertUserAIBudgetOverrideRequest(Body):
    """The limit a user is to have, and the group of theirs that it is charged to."""

    group_id: UUID
    spend_limit_micros: SpendLimit
