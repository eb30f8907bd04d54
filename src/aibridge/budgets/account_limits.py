"""The limits of an account, and what of each is spent: budgets, and caps beside them.

Each limit holds by itself: a request has to fit into all of them.
"""

from functools import cache
from typing import NamedTuple

from aibridge.budgets.effective import EffectiveBudget
from aibridge.budgets.periods import Period, period_of
from aibridge.budgets.spend import UNLIMITED, effective_budgets
from aibridge.contract.words import CapPeriod, CapScope
from aibridge.principals import EVERYONE
from aibridge.store.people import caps as store
from aibridge.store.people.caps import Cap
from aibridge.store.people.users import Connection
from aibridge.store.schema.accounts import GROUP, SESSION, TOKEN, USER, AccountName
from aibridge.store.usage.account_spend import spent


class Limit(NamedTuple):
    """How much may be spent in a period, and how much is spent, in micro-dollars."""

    micros: int
    spent: int
    kind: CapPeriod
    period: Period

    @property
    def left(self) -> int:
        """What is not spent of it; negative where more is."""
        return self.micros - self.spent


class Charged(NamedTuple):
    """What a user's calls count against besides the limits of the user.

    Of ``group_id``, which they are charged to, ``groups`` are those with a cap for all together.
    ``tokens`` are those of the user's that have one, and ``sessions`` is whether sessions have.
    """

    group_id: str = EVERYONE
    groups: tuple[str, ...] = ()
    tokens: frozenset[str] = frozenset()
    sessions: bool = False

    def accounts(self, user_id: str, token_id: str, session_id: str | None) -> list[str]:
        """Return the names of the accounts that a call counts against."""
        found = [AccountName(GROUP, each).text for each in self.groups]
        if token_id in self.tokens:
            found.append(AccountName(TOKEN, token_id).text)
        if self.sessions and session_id:
            found.append(AccountName(SESSION, session_id, user_id).text)
        return found


def limits_of(
    connection: Connection, account: AccountName, at: int
) -> tuple[tuple[Limit, ...], Charged]:
    """Return the limits of an account at a moment; of a user, what else its calls count against."""

    @cache
    def used(period: Period) -> int:
        return spent(connection, account, *period)

    def limit(micros: int, kind: CapPeriod) -> Limit:
        period = period_of(kind, at)
        return Limit(micros, used(period), kind, period)

    def of_cap(cap: Cap) -> Limit:
        return limit(cap.spend_limit_micros, CapPeriod(cap.period))

    if account.kind != USER:
        return tuple(map(of_cap, _caps(connection, account))), Charged()
    budget = effective_budgets(connection, [account.id]).get(account.id, UNLIMITED)
    of_groups = store.caps_of_groups(connection, account.id)
    own = store.list_caps(connection, account.id)
    own += [each for each in of_groups if each.scope == CapScope.MEMBER]
    limits = list(map(of_cap, own))
    if budget.spend_limit_micros is not None:
        limits.insert(0, limit(budget.spend_limit_micros, CapPeriod.MONTH))
    return tuple(limits), _charged(connection, account.id, budget, of_groups)


def _caps(connection: Connection, account: AccountName) -> list[Cap]:
    """Return the caps of a group together, of a token, or of a session."""
    if account.kind == SESSION:
        found = store.caps_of_groups(connection, account.user_id)
        return [each for each in found if each.scope == CapScope.SESSION]
    scope = CapScope.GROUP if account.kind == GROUP else CapScope.TOKEN
    return [each for each in store.list_caps(connection, account.id) if each.scope == scope]


def _charged(
    connection: Connection, user_id: str, budget: EffectiveBudget, caps: list[Cap]
) -> Charged:
    """Return what a user's calls are charged to: the group of the budget that applies.

    Where none does, it is the group with a cap for all together that the user is in for longest.
    """
    together = list(dict.fromkeys(each.target_id for each in caps if each.scope == CapScope.GROUP))
    group_id = budget.group_id if budget.source else next(iter(together), EVERYONE)
    return Charged(
        group_id,
        tuple(each for each in together if each in {group_id, EVERYONE}),
        store.capped_tokens(connection, user_id),
        any(each.scope == CapScope.SESSION for each in caps),
    )
