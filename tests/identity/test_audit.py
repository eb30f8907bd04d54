import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.contract import AuditAction, AuditResource
from aibridge.identity.accounts import create_user
from aibridge.identity.audit import SECRET_FIELDS, Act, Actor, Target, difference
from aibridge.ids import now, uuid_of
from aibridge.store.engine.database import Database
from aibridge.store.people.users import Connection, count
from tests.builders import ANA
from tests.people import entries, person

TARGET = Target(AuditResource.GROUP, "g-1", "platform")


def test_an_entry_says_who_what_when_and_from_where(connection: Connection) -> None:
    ana = person(ANA, "ana", token_id="k3uYl0aWpQ")
    begun = now()
    Act(connection, Actor(ana, "192.0.2.7", "a browser")).log(
        AuditAction.WRITE, TARGET, before={"a": 1}, after={"a": 2}, description="why"
    )
    (entry,) = entries(connection)
    assert begun <= entry.at <= now()
    assert entry[2:] == (
        ANA,
        "ana",
        "k3uYl0aWpQ",
        "192.0.2.7",
        "a browser",
        "write",
        "group",
        uuid_of("g-1"),
        "platform",
        '{"a": {"old": 1, "new": 2, "secret": false}}',
        "why",
        "g-1",
    )


def test_who_acts_on_the_machine_itself_is_the_operator(connection: Connection) -> None:
    Act(connection).log(AuditAction.DELETE, TARGET)
    (entry,) = entries(connection)
    assert entry.actor_id == "00000000-0000-0000-0000-000000000000"
    assert (entry.actor_username, entry.token_id, entry.ip, entry.user_agent) == (
        "operator",
        "",
        "",
        "",
    )
    assert (entry.diff, entry.description) == ("{}", "")


def test_entries_keep_the_order_of_what_was_done(connection: Connection) -> None:
    for number in range(50):
        Act(connection).log(AuditAction.WRITE, TARGET, description=str(number))
    assert [entry.description for entry in entries(connection)] == [str(n) for n in range(50)]


def test_of_a_user_agent_is_kept_what_the_column_holds(connection: Connection) -> None:
    Act(connection, Actor(person(ANA, "ana"), user_agent="x" * 10_000)).log(
        AuditAction.WRITE, TARGET
    )
    assert entries(connection)[0].user_agent == "x" * 256


def test_an_act_that_fails_leaves_no_entry(database: Database) -> None:
    def fail(connection: Connection) -> None:
        create_user(Act(connection), "ana")
        raise ValueError("the power went off")

    with pytest.raises(ValueError, match="power"), database.write() as connection:
        fail(connection)
    with database.read() as connection:
        assert (count(connection), entries(connection)) == (0, [])


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({}, {}, {}),
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, {"b": (2, 3)}),
        ({}, {"a": "x", "b": None}, {"a": (None, "x")}),
        ({"a": ["x"]}, {}, {"a": (["x"], None)}),
        ({"a": 1}, {"b": 2}, {"a": (1, None), "b": (None, 2)}),
        ({"a": 0}, {"a": ""}, {"a": (0, "")}),
    ],
)
def test_a_difference_holds_what_changed(
    before: dict[str, object],
    after: dict[str, object],
    found: dict[str, tuple[object, object]],
) -> None:
    assert difference(before, after) == {
        key: {"old": old, "new": new, "secret": False} for key, (old, new) in found.items()
    }


@pytest.mark.parametrize("before", [{}, {"password": ""}, {"password": "old-secret"}])
def test_of_a_secret_it_says_only_that_it_changed(before: dict[str, object]) -> None:
    found = difference(before, {"password": "new-secret"})
    assert found == {"password": {"old": "", "new": "", "secret": True}}


fields = st.dictionaries(
    st.sampled_from(["password", "name", "roles"]), st.sampled_from([None, "", "é", 0, ["x"]])
)


@given(before=fields, after=fields)
def test_whatever_changes_a_difference_makes_one_of_the_other(
    before: dict[str, object], after: dict[str, object]
) -> None:
    found = json.loads(json.dumps(difference(before, after), ensure_ascii=False))
    shown = {**before, **{key: change["new"] for key, change in found.items()}}
    for key in {*before, *after} - SECRET_FIELDS:
        assert shown.get(key) == after.get(key)
    for key, change in found.items():
        assert before.get(key) != after.get(key)
        assert change["secret"] == (key in SECRET_FIELDS)
