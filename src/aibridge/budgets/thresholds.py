"""Thresholds: parts of a limit at which somebody is told how much is spent, before it is all."""

from collections.abc import Iterable
from dataclasses import dataclass

from aibridge.budgets.account_limits import Limit
from aibridge.budgets.caps import target_name
from aibridge.budgets.money import dollars
from aibridge.contract.words import AuditAction, AuditResource
from aibridge.identity.audit import Act, Target
from aibridge.store.people.users import Connection
from aibridge.store.schema.accounts import SESSION, USER, AccountName, parse_name
from aibridge.store.usage import budget_events
from aibridge.store.usage.budget_events import Reached


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Parts of a limit, in percent; ``is_told`` is whether a webhook is told of them too."""

    percents: tuple[int, ...]
    is_told: bool = False


def note(
    connection: Connection, account: str, limits: Iterable[Limit], thresholds: Thresholds, at: int
) -> None:
    """Write down which thresholds the spending of an account has come to, each once a period.

    An entry of the audit log tells of each. To be called in a transaction that writes.
    """
    for limit in limits:
        for percent in thresholds.percents:
            if limit.spent * 100 < limit.micros * percent or not limit.micros:
                continue
            reached = Reached(
                account, limit.kind, *limit.period, limit.micros, percent, limit.spent
            )
            if budget_events.add(connection, reached, at, is_told=thresholds.is_told):
                _log(connection, reached)


def _log(connection: Connection, reached: Reached) -> None:
    account = parse_name(reached.account)
    target = Target(AuditResource.BUDGET, account.id, subject_name(connection, account))
    limit, spent = dollars(reached.spend_limit_micros), dollars(reached.spent_micros)
    Act(connection).log(
        AuditAction.REACH,
        target,
        after={"threshold": reached.threshold, "period": reached.period, "spend_limit": limit},
        description=f"{spent} of {limit} ({reached.period}) is spent: {reached.threshold} %",
    )


def subject_name(connection: Connection, account: AccountName) -> str:
    """Return how people call what an account is of; by its id where it is gone."""
    if account.kind == SESSION:
        return f"session {account.id}"
    name = target_name(connection, account.kind, account.id) or account.id
    return name if account.kind == USER else f"{account.kind} {name}"
