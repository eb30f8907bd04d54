"""What ``q`` asks for in the lists of users and of acts."""

from aibridge.api.query import Search
from aibridge.contract import AuditAction, AuditResource, SiteRole
from aibridge.store.people.audit import AuditFilter
from aibridge.store.people.users import ACTIVE, SUSPENDED, UserFilter

USER_KEYS = ("search", "name", "status", "role")
AUDIT_KEYS = (
    "username",
    "action",
    "resource_type",
    "resource_id",
    "resource_target",
    "date_from",
    "date_to",
)


def search_users(text: str, only: str | None) -> UserFilter:
    """Return which users ``q`` asks for; bare text is part of a name or an address.

    ``only`` is the id of the one user that may be seen. Raises `ApiError` 400 with every
    complaint about ``q``.
    """
    search = Search(text, USER_KEYS, bare="search")
    where = UserFilter(
        text=search.values("search"),
        name=search.values("name"),
        status=search.one_of("status", (ACTIVE, SUSPENDED)),
        role=search.one_of("role", tuple(SiteRole)),
        only=only,
    )
    search.check("Invalid user search query.")
    return where


def search_audit(text: str) -> AuditFilter:
    """Return which acts ``q`` asks for. Raises `ApiError` 400 with every complaint about ``q``."""
    search = Search(text, AUDIT_KEYS)
    since, until = search.bounds("date_from", "date_to", days=True)
    where = AuditFilter(
        actor=search.values("username"),
        action=search.one_of("action", tuple(AuditAction)),
        resource_type=search.one_of("resource_type", tuple(AuditResource)),
        resource_id=search.values("resource_id"),
        resource_target=search.values("resource_target"),
        since=since,
        until=until,
    )
    search.check("Invalid audit search query.")
    return where
