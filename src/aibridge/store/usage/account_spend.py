"""What counts against the limits of an account."""

from sqlalchemy import Connection, func, select

from aibridge.store.record.correlation import latest_session_names, of_client_session
from aibridge.store.schema.accounts import SESSION, USER, AccountName
from aibridge.store.schema.tables import account_spend, sessions
from aibridge.store.usage.daily import UsageFilter, sums

_c = account_spend.c


def spent(connection: Connection, account: AccountName, start: int, end: int) -> int:
    """Return what an account has spent on the days between two, in micro-dollars.

    What a session has spent it has whenever that was.
    """
    if account.kind == USER:
        used = sums(connection, UsageFilter(start, end, user_ids=[account.id])).get(())
        return used.cost_micros if used else 0
    if account.kind == SESSION:
        query = select(func.sum(sessions.c.cost_micros)).where(*of_client_session())
        names = latest_session_names(account.user_id, account.id)
        return int(connection.scalar(query, names) or 0)
    its_own = (_c.account == account.text, _c.day >= start, _c.day < end)
    query = select(func.sum(_c.cost_micros)).where(*its_own)
    return int(connection.scalar(query) or 0)
