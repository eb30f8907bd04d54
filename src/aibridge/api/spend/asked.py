"""What a request about spending asks for: ids, a period, what it was spent on, and by whom."""

from datetime import timedelta

from aibridge.api.access import Visitor
from aibridge.api.documented import Parameter, needed, text, time, uuid
from aibridge.api.errors import ApiError
from aibridge.api.parameters import Parameters
from aibridge.api.query import BAD_TIME, nanoseconds
from aibridge.api.users import named_user
from aibridge.budgets.periods import Period, month_of
from aibridge.contract import rfc3339
from aibridge.identity.rights import Reach, Right
from aibridge.ids import moment, now
from aibridge.store.lists.filters import ANY, Filter, Values, only
from aibridge.store.people.users import Connection
from aibridge.store.schema.measures import DAY, MAX_TIME
from aibridge.store.usage.daily import UsageFilter

MOST_IDS = 100
REPORT_DAYS = 366
"""The longest period of a report; the contract sets no bound."""
EXPORT_DAYS = 31

START, END = "period_start", "period_end"
PERIOD = (
    time(START, "The first moment of the period; this month in UTC where both are left out."),
    time(END, "The moment that the period ends with. Days in UTC count whole."),
)
USER = text("user", "Only what this user spent: an id, a username, or me.", most=64)
PROVIDER_NAME, MODEL, CLIENT = (
    text(name, description, most=None)
    for name, description in (
        ("provider_name", "Only through the provider of this configured name."),
        ("model", "Only with this model."),
        ("client", "Only by this client; Unknown for those not recognised."),
    )
)
PROVIDER_TYPE = text("provider_type", "Only through providers of this type.", most=None)
SPENT_ON = (PROVIDER_NAME, MODEL, CLIENT)
OF_FILE = (
    *PERIOD,
    uuid("user_id", "Only what this user spent."),
    uuid("group_id", "Only what is charged to this group."),
    PROVIDER_NAME,
    MODEL,
)
"""What a file is of."""


def check_reads_everybody(caller: Visitor) -> None:
    """Refuse a report of all users to who may not read them; that there is one is no secret."""
    if caller.reach(Right.READ_USERS) is not Reach.ALL:
        detail = "It tells of all users. Please contact an administrator, who may read it."
        raise ApiError(403, "Forbidden.", detail=detail)


def of_users(connection: Connection, caller: Visitor, user: str) -> list[str] | None:
    """Return whose spending is meant and may be seen, `None` for everybody's."""
    if user:
        return [named_user(connection, caller, user, Right.READ_USERS).id]
    everybody = caller.reach(Right.READ_USERS) is Reach.ALL
    return None if everybody else [caller.person.user_id]


def ids_of(name: str, what: str) -> Parameter:
    """Return the parameter that names up to `MOST_IDS` ids."""
    description = f"{what}: up to {MOST_IDS} ids with commas between them."
    return needed(text(name, description, most=8192))


def ids(parameters: Parameters, name: str) -> list[str]:
    """Return the ids that a parameter names, each once, ascending; it has to be there."""
    parameters.needed(name)
    found = parameters.uuids(name) or []
    parameters.check()
    if len(found) > MOST_IDS:
        message = f"{name} has {len(found)} entries, maximum is {MOST_IDS}."
        raise ApiError(400, message)
    return sorted(set(found))


def period(parameters: Parameters, *, most_days: int) -> Period:
    """Return the whole days in UTC of the period that is asked for, else of this month."""
    start, end = (_time(parameters, name) for name in (START, END))
    parameters.check()
    if start is None and end is None:
        return month_of(now())
    if start is None or end is None:
        message = f'Query parameters "{START}" and "{END}" must be provided together.'
        raise ApiError(400, message)
    if start >= end:
        raise ApiError(400, f'Query parameter "{START}" must be before "{END}".')
    if end - start > most_days * DAY * 1000:
        raise ApiError(400, f"Query period must not exceed {most_days} days.")
    return Period(_day(start // 1000), _day(-(-end // 1000) + DAY - 1))


def recorded_period(parameters: Parameters, caller: Visitor, *, most_days: int) -> Period:
    """Return the whole days of a period of which every call is on record.

    What is left of this month is meant if none is asked for; one that began earlier is refused.
    """
    asked = period(parameters, most_days=most_days)
    since = kept_since(caller)
    if since is None or asked.start >= since:
        return asked
    first = _day(since + DAY - 1)
    if parameters.text(START):
        detail = "Calls from before then are no longer on record, as retention says."
        message = f'Query parameter "{START}" must be {rfc3339(moment(first))} or later.'
        raise ApiError(400, message, detail=detail)
    return Period(min(first, asked.end), asked.end)


def kept_since(caller: Visitor) -> int | None:
    """Return since when the record is whole, `None` where it is kept for ever."""
    kept = caller.services.retention
    return None if kept is None else now() - kept // timedelta(microseconds=1)


def usage_filter(parameters: Parameters, asked: Period) -> UsageFilter:
    """Return which usage of a period a file is of."""
    user_id, group_id = parameters.uuid("user_id"), parameters.uuid("group_id")
    parameters.check()
    return UsageFilter(
        *asked,
        user_ids=None if user_id is None else [user_id],
        group_ids=None if group_id is None else [group_id],
        kinds=spent_on(parameters),
    )


def _time(parameters: Parameters, name: str) -> int | None:
    """Return the nanoseconds since 1970 of a parameter, `None` when it is absent or bad."""
    asked = parameters.text(name)
    try:
        return nanoseconds(asked) if asked else None
    except ValueError as error:
        parameters.complain(name, f"{BAD_TIME}: {error}")
        return None


def _day(at: int) -> int:
    """Return the beginning of the day in UTC that a moment is in, of those that are counted."""
    return min(max(at, 0), MAX_TIME) // DAY * DAY


def spent_on(parameters: Parameters) -> Filter:
    """Return which providers, models and clients are asked for."""

    def asked(name: str) -> Values:
        value = parameters.text(name)
        return only(value) if value else ANY

    return Filter(
        provider=asked("provider_type"),
        provider_name=asked("provider_name"),
        model=asked("model"),
        client=asked("client"),
    )
