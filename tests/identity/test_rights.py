import pytest

from aibridge.contract import SiteRole
from aibridge.identity.rights import MATRIX, Reach, Right, Rights, outranks
from aibridge.principals import OPERATOR
from tests.builders import ANA, BEN
from tests.people import person

OWNER, USER_ADMIN, AUDITOR, MEMBER = SiteRole
NONE, OWN, ALL = Reach
ROLES = (OWNER, USER_ADMIN, AUDITOR, MEMBER)

TABLE = {
    # right: owner, user-admin, auditor, member
    "record.read": (ALL, NONE, ALL, NONE),
    "providers.read": (ALL, NONE, ALL, NONE),
    "users.read": (ALL, ALL, ALL, OWN),
    "users.write": (ALL, ALL, NONE, NONE),
    "roles.write": (ALL, NONE, NONE, NONE),
    "passwords.write": (ALL, ALL, OWN, OWN),
    "tokens.read": (ALL, OWN, OWN, OWN),
    "tokens.write": (ALL, OWN, OWN, OWN),
    "groups.read": (ALL, ALL, ALL, OWN),
    "groups.write": (ALL, ALL, NONE, NONE),
    "budgets.read": (ALL, ALL, ALL, OWN),
    "budgets.write": (ALL, ALL, NONE, NONE),
    "overrides.read": (ALL, ALL, OWN, OWN),
    "overrides.write": (ALL, ALL, NONE, NONE),
    "configuration.read": (ALL, NONE, NONE, NONE),
    "prices.read": (ALL, ALL, ALL, NONE),
    "prices.write": (ALL, NONE, NONE, NONE),
    "audit.read": (ALL, NONE, ALL, NONE),
}
CELLS = [
    (right, role, reach)
    for right, row in TABLE.items()
    for role, reach in zip(ROLES, row, strict=True)
]


def test_the_table_speaks_of_every_right_and_role() -> None:
    assert set(TABLE) == {right.value for right in Right}
    assert {right.value for right in MATRIX} == set(TABLE)
    assert all(set(row) == set(SiteRole) for row in MATRIX.values())


@pytest.mark.parametrize(("right", "role", "reach"), CELLS)
def test_a_right_reaches_as_far_as_the_role_says(right: str, role: SiteRole, reach: Reach) -> None:
    ana = person(ANA, "ana", *([] if role is MEMBER else [role]))
    rights = Rights()
    assert rights.reach(ana, Right(right)) is reach
    assert rights.allows(ana, Right(right), ANA) == (reach is not NONE)
    assert rights.allows(ana, Right(right), BEN) == (reach is ALL)


@pytest.mark.parametrize("right", TABLE)
@pytest.mark.parametrize(
    "roles", [(USER_ADMIN, AUDITOR), (AUDITOR, MEMBER), (USER_ADMIN, OWNER), tuple(SiteRole)]
)
def test_roles_add_up(right: str, roles: tuple[SiteRole, ...]) -> None:
    expected = max(TABLE[right][ROLES.index(role)] for role in roles)
    assert Rights().reach(person(ANA, "ana", *roles), Right(right)) is expected


@pytest.mark.parametrize(
    ("roles", "reach"),
    [((), OWN), ((MEMBER,), OWN), ((USER_ADMIN,), OWN), ((AUDITOR,), ALL), ((OWNER,), ALL)],
)
def test_a_setting_lets_everybody_read_their_own_record(
    roles: tuple[SiteRole, ...], reach: Reach
) -> None:
    rights = Rights(members_read_own=True)
    for right in (Right.READ_RECORD, Right.READ_PROVIDERS):
        assert rights.reach(person(ANA, "ana", *roles), right) is reach


@pytest.mark.parametrize(("right", "role", "reach"), CELLS)
def test_the_setting_changes_no_other_right(right: str, role: SiteRole, reach: Reach) -> None:
    if right in {"record.read", "providers.read"}:
        reach = max(reach, OWN)
    found = Rights(members_read_own=True).reach(person(ANA, "ana", role), Right(right))
    assert found is reach


@pytest.mark.parametrize("right", Right)
def test_the_operator_may_do_everything(right: Right) -> None:
    assert Rights().reach(OPERATOR, right) is ALL


@pytest.mark.parametrize(
    ("mine", "theirs", "may"),
    [
        ({OWNER}, set(), True),
        ({OWNER}, {OWNER}, True),
        ({OWNER}, {USER_ADMIN, AUDITOR}, True),
        ({OWNER, AUDITOR}, {OWNER}, True),
        ({USER_ADMIN}, set(), True),
        ({USER_ADMIN}, {MEMBER}, True),
        ({USER_ADMIN}, {AUDITOR}, False),
        ({USER_ADMIN}, {USER_ADMIN}, False),
        ({USER_ADMIN}, {OWNER}, False),
        ({USER_ADMIN, AUDITOR}, {AUDITOR}, False),
        ({USER_ADMIN}, {OWNER, MEMBER}, False),
    ],
)
def test_only_an_owner_outranks_who_has_a_role(
    mine: set[SiteRole], theirs: set[SiteRole], may: bool
) -> None:
    assert outranks(person(ANA, "ana", *mine), frozenset(theirs)) is may
