import json

import pytest

from aibridge.contract import SiteRole
from aibridge.errors import ConflictError, ForbiddenError, IdentityError, TakenError
from aibridge.identity.accounts import (
    RESERVED,
    create_user,
    real_roles,
    set_password,
    set_roles,
    set_status,
)
from aibridge.identity.audit import Act
from aibridge.principals import OPERATOR
from aibridge.store.people.users import (
    ACTIVE,
    SUSPENDED,
    Connection,
    User,
    count,
    find_user,
    password_hash,
)
from tests.people import acting, entries, new_user

OWNER, USER_ADMIN, AUDITOR = SiteRole.OWNER, SiteRole.USER_ADMIN, SiteRole.AUDITOR


@pytest.fixture
def root(connection: Connection) -> User:
    return new_user(connection, "root", OWNER)


@pytest.fixture
def ben(connection: Connection) -> User:
    return new_user(connection, "ben")


def stored(connection: Connection, user: User) -> User:
    found = find_user(connection, user.id)
    assert found is not None
    return found


def diff(connection: Connection) -> object:
    return json.loads(entries(connection)[-1].diff)


def test_a_new_user_is_active_and_found_as_returned(connection: Connection) -> None:
    made = create_user(
        Act(connection), "Ana-1", [AUDITOR, SiteRole.MEMBER], email="a@b.c", name="Ana"
    )
    assert made == stored(connection, made)
    assert (made.username, made.email, made.name) == ("Ana-1", "a@b.c", "Ana")
    assert (made.status, made.roles) == (ACTIVE, frozenset({AUDITOR}))
    assert password_hash(connection, made.id) is None


def test_making_a_user_is_on_record_without_the_hash(connection: Connection) -> None:
    create_user(Act(connection), "ana", [AUDITOR], password_hash="$argon2id$hash")
    (entry,) = entries(connection)
    assert (entry.action, entry.resource_type, entry.resource_target) == ("create", "user", "ana")
    assert (entry.actor_username, entry.ip) == ("operator", "")
    assert "argon2" not in entry.diff
    assert json.loads(entry.diff) == {
        "username": {"old": None, "new": "ana", "secret": False},
        "name": {"old": None, "new": "", "secret": False},
        "email": {"old": None, "new": "", "secret": False},
        "status": {"old": None, "new": "active", "secret": False},
        "roles": {"old": None, "new": ["auditor"], "secret": False},
        "password": {"old": "", "new": "", "secret": True},
    }


def test_a_user_without_a_password_has_none_in_the_log(connection: Connection, ben: User) -> None:
    assert "password" not in entries(connection)[-1].diff


@pytest.mark.parametrize("name", ["0" * 32, "0123456789abcdefABCDEF0123456789"])
def test_what_could_be_an_id_is_no_username(connection: Connection, name: str) -> None:
    with pytest.raises(ConflictError, match="must not look like an id") as caught:
        create_user(Act(connection), name)
    assert caught.value.field == "username"
    assert create_user(Act(connection), name[:-1]).username == name[:-1]


@pytest.mark.parametrize("name", [*sorted(RESERVED), "Me", "LOGIN"])
def test_what_stands_in_paths_is_no_username(connection: Connection, name: str) -> None:
    with pytest.raises(IdentityError, match="is reserved") as caught:
        create_user(Act(connection), name)
    assert caught.value.field == "username"
    assert (count(connection), entries(connection)) == (0, [])


def test_the_names_of_paths_are_reserved() -> None:
    assert {"me", "first", "login", "logout", "authmethods"} < RESERVED


def test_nobody_can_be_taken_for_the_operator_in_the_audit_log() -> None:
    assert OPERATOR.username in RESERVED


def test_a_name_that_is_taken_leaves_no_trace(connection: Connection, ben: User) -> None:
    with pytest.raises(TakenError, match="'BEN' is taken"):
        create_user(Act(connection), "BEN")
    assert len(entries(connection)) == 1


def test_a_user_is_suspended_and_let_in_again(
    connection: Connection, root: User, ben: User
) -> None:
    act = acting(connection, root)
    suspended = set_status(act, ben, SUSPENDED)
    assert suspended == stored(connection, ben)
    assert (suspended.status, suspended.created_at) == (SUSPENDED, ben.created_at)
    assert suspended.updated_at >= ben.updated_at
    entry = entries(connection)[-1]
    assert (entry.action, entry.resource_id, entry.actor_id) == ("write", ben.id, root.id)
    assert diff(connection) == {"status": {"old": "active", "new": "suspended", "secret": False}}
    assert set_status(act, suspended, ACTIVE).status == ACTIVE


@pytest.mark.parametrize("roles", [[OWNER], [OWNER, AUDITOR]])
def test_nobody_suspends_themselves(
    connection: Connection, root: User, roles: list[SiteRole]
) -> None:
    second = new_user(connection, "second", *roles)
    with pytest.raises(ConflictError, match="cannot suspend yourself"):
        set_status(acting(connection, second), second, SUSPENDED)
    assert stored(connection, second).status == ACTIVE


def test_the_last_active_owner_is_not_suspended_even_by_the_operator(
    connection: Connection, root: User
) -> None:
    with pytest.raises(ConflictError, match="root is the last active owner"):
        set_status(Act(connection), root, SUSPENDED)
    new_user(connection, "second", OWNER)
    assert set_status(Act(connection), root, SUSPENDED).status == SUSPENDED


def test_a_suspended_owner_does_not_count_as_one_who_stays(
    connection: Connection, root: User
) -> None:
    second = new_user(connection, "second", OWNER)
    act = acting(connection, root)
    gone = set_status(act, second, SUSPENDED)
    with pytest.raises(ConflictError, match="last active owner"):
        set_roles(act, root, [AUDITOR])
    assert set_roles(act, gone, []).roles == frozenset()


def test_the_last_owner_keeps_the_role_and_may_get_more(connection: Connection, root: User) -> None:
    act = acting(connection, root)
    with pytest.raises(ConflictError, match="last active owner"):
        set_roles(act, root, [USER_ADMIN])
    assert stored(connection, root).roles == {OWNER}
    assert set_roles(act, root, [USER_ADMIN, OWNER]).roles == {OWNER, USER_ADMIN}
    assert stored(connection, root).roles == {OWNER, USER_ADMIN}
    assert diff(connection) == {
        "roles": {"old": ["owner"], "new": ["owner", "user-admin"], "secret": False}
    }


def test_an_owner_may_give_the_role_up_while_another_is_there(
    connection: Connection, root: User
) -> None:
    new_user(connection, "second", OWNER)
    changed = set_roles(acting(connection, root), root, [SiteRole.MEMBER])
    assert changed.roles == frozenset()
    assert changed == stored(connection, root)


@pytest.mark.parametrize("role", [OWNER, USER_ADMIN, AUDITOR])
@pytest.mark.parametrize("status", [ACTIVE, SUSPENDED])
def test_a_user_admin_changes_nobody_who_has_a_role(
    connection: Connection, root: User, role: SiteRole, status: str
) -> None:
    admin = new_user(connection, "hr", USER_ADMIN)
    other = new_user(connection, "other", role)
    act = acting(connection, admin)
    before = len(entries(connection))
    with pytest.raises(ForbiddenError, match="Only an owner may change other"):
        set_status(act, other, status)
    with pytest.raises(ForbiddenError, match="Only an owner may change other"):
        set_password(act, other, "a hash")
    assert stored(connection, other) == other
    assert password_hash(connection, other.id) is None
    assert len(entries(connection)) == before


def test_a_user_admin_changes_members_and_their_own_password(
    connection: Connection, ben: User
) -> None:
    admin = new_user(connection, "hr", USER_ADMIN)
    act = acting(connection, admin)
    assert set_status(act, ben, SUSPENDED).status == SUSPENDED
    set_password(act, ben, "ben's hash")
    set_password(act, admin, "own hash")
    assert password_hash(connection, ben.id) == "ben's hash"
    assert password_hash(connection, admin.id) == "own hash"


def test_a_new_password_is_on_record_and_neither_it_nor_the_old_one_is(
    connection: Connection, root: User, ben: User
) -> None:
    act = acting(connection, root)
    for hashed in ("first hash", "second hash", "second hash"):
        set_password(act, ben, hashed)
        entry = entries(connection)[-1]
        assert (entry.action, entry.resource_id) == ("write", ben.id)
        assert json.loads(entry.diff) == {"password": {"old": "", "new": "", "secret": True}}
    assert not any("hash" in "".join(map(str, entry)) for entry in entries(connection))


def test_everybody_is_a_member_without_being_given_it() -> None:
    assert real_roles([SiteRole.MEMBER, AUDITOR, AUDITOR]) == {AUDITOR}
    assert real_roles([]) == frozenset()
