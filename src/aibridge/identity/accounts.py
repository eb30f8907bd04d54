"""Making and changing the accounts of users."""

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID, uuid4

from aibridge.contract.words import AuditAction, AuditResource, SiteRole
from aibridge.errors import ConflictError, ForbiddenError, IdentityError
from aibridge.identity.audit import Act, Target
from aibridge.identity.issuing import delete_tokens
from aibridge.identity.rights import outranks
from aibridge.ids import now
from aibridge.principals import NOBODY, OPERATOR, write_words
from aibridge.store.lists.filters import only
from aibridge.store.people import users as store
from aibridge.store.people.users import ACTIVE, SUSPENDED, User

RESERVED = frozenset({"me", "first", "login", "logout", "authmethods", "roles", OPERATOR.username})
"""What stands where a username may in the API's paths, and who acts in the audit log as nobody."""


def create_user(
    act: Act,
    username: str,
    roles: Iterable[SiteRole] = (),
    *,
    email: str = "",
    name: str = "",
    password_hash: str | None = None,
) -> User:
    """Add an active user. Raises `TakenError`, `IdentityError` for a reserved name,
    `ConflictError` for one that could be an id."""
    if username.lower() in RESERVED:
        raise IdentityError(f"the username {username!r} is reserved", field="username")
    refuse_id(username, "username", field="username")
    at = now()
    given = real_roles(roles)
    user = User(str(uuid4()), username, name, email, "", ACTIVE, given, at, at)
    password = store.NewPassword(password_hash, _setter(act, user)) if password_hash else None
    store.insert_user(act.connection, user, password)
    after = {**_fields(user), "password": password_hash}
    act.log(AuditAction.CREATE, target_of(user), after=after)
    return user


def refuse_id(name: str, what: str, *, field: str) -> None:
    """Raise `ConflictError` for a name that can be read as an id, in whatever form.

    Where a path or an option takes either, it would stand for something else.
    """
    try:
        UUID(name)
    except ValueError:
        return
    raise ConflictError(f"a {what} must not look like an id", field=field)


def set_status(act: Act, user: User, status: str) -> User:
    """Make a user `ACTIVE` or `SUSPENDED`; their tokens work, or not, from the next request on."""
    _refuse_upwards(act, user)
    if status == SUSPENDED:
        if user.id == act.person.user_id:
            raise ConflictError("You cannot suspend yourself.")
        _refuse_last_owner(act, user)
    return _change(act, replace(user, status=status), user, status=status)


def set_roles(act: Act, user: User, roles: Iterable[SiteRole]) -> User:
    """Give a user just these roles."""
    given = real_roles(roles)
    if SiteRole.OWNER not in given:
        _refuse_last_owner(act, user)
    return _change(act, replace(user, roles=given), user, roles=write_words(given))


def set_password(act: Act, user: User, password_hash: str) -> None:
    """Give a user a password, and delete all their tokens but the one of who acts.

    Whoever had the old password may have made any of them; and whoever sets that of somebody else
    could use the account unnoticed if all went on working. Only a first password that is one's own
    choice leaves them: there was none to be had.
    """
    setter = _setter(act, user)
    if setter is not None:
        _refuse_upwards(act, user)
    if setter is not None or store.password_hash(act.connection, user.id) is not None:
        delete_tokens(act, user, but=act.person.token_id)
    store.set_password(act.connection, user.id, store.NewPassword(password_hash, setter))
    act.log(
        AuditAction.WRITE,
        target_of(user),
        before={"password": ""},
        after={"password": password_hash},
    )


def log_wrong_password(act: Act, user: User) -> None:
    """Write down that a new password was refused, as the old one was not known."""
    description = "refused: the old password was wrong"
    act.log(AuditAction.WRITE, target_of(user), description=description)


def _setter(act: Act, user: User) -> str | None:
    """Return the username of who gives a user a password, `None` where it is the user.

    The first user has no account yet when they make it, and acts by the name it will have.
    """
    person = act.person
    is_first = person.user_id == NOBODY and person is not OPERATOR
    return None if is_first or person.user_id == user.id else person.username


def real_roles(roles: Iterable[SiteRole]) -> frozenset[SiteRole]:
    """Return the roles that somebody has to be given: everybody is a member."""
    return frozenset(roles) - {SiteRole.MEMBER}


def target_of(user: User) -> Target:
    """Return a user as the audit log names them."""
    return Target(AuditResource.USER, user.id, user.username)


def _change(act: Act, after: User, before: User, **columns: str) -> User:
    at = store.change_user(act.connection, before.id, **columns)
    act.log(AuditAction.WRITE, target_of(after), before=_fields(before), after=_fields(after))
    return replace(after, updated_at=at)


def _fields(user: User) -> dict[str, object]:
    return {
        "username": user.username,
        "name": user.name,
        "email": user.email,
        "status": user.status,
        "roles": sorted(user.roles),
    }


def _refuse_upwards(act: Act, user: User) -> None:
    if not outranks(act.person, user.roles):
        raise ForbiddenError(f"Only an owner may change {user.username}, who has a role.")


def _refuse_last_owner(act: Act, user: User) -> None:
    """Keep one active owner: without one nobody could give roles any more."""
    if SiteRole.OWNER not in user.roles or user.status != ACTIVE:
        return
    owners = store.UserFilter(status=only(ACTIVE), role=only(SiteRole.OWNER))
    if store.count(act.connection, owners) == 1:
        raise ConflictError(f"{user.username} is the last active owner.")
