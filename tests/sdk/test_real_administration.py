"""Users, tokens, groups, budgets and the audit log against the API itself on a real socket."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from aibridge.api.app import create_app
from aibridge.api.services import Services
from aibridge.contract import CustomAIModelPrice
from aibridge.identity.authenticate import Authenticator
from aibridge.sdk import (
    AsyncClient,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Unauthorized,
)
from tests.databases import Databases
from tests.people import cheap_passwords
from tests.sdk.conftest import Clients
from tests.serving import serving

PASSWORD = "correct horse"


@pytest.fixture
def url(databases: Databases) -> Iterator[str]:
    """A bridge without any user."""
    with databases.open() as database:
        authenticator = Authenticator(database)
        services = Services(
            database,
            authenticator.person,
            passwords=cheap_passwords(),
            strangers_passwords=cheap_passwords(),
        )
        with serving(create_app(services)) as url:
            yield url
        authenticator.close()


class Visitor:
    """Calls methods of clients that have one token."""

    def __init__(self, clients: Clients, url: str, token: str) -> None:
        self._clients, self._own = clients, {"url": url, "token": token}

    def __call__(self, method: str, *arguments: Any, **options: Any) -> Any:
        return self._clients.open(self._own, method, *arguments, **options)


def log_in(clients: Clients, url: str, name: str, password: str = PASSWORD) -> Visitor:
    client = clients.call(None, "login", name, password, url=url)
    return Visitor(clients, url, client.token)


@pytest.fixture
def ask(clients: Clients, url: str) -> Visitor:
    """Calls as the first user, an owner."""
    clients.call(None, "create_first_user", "ana", PASSWORD, email="ana@b.c", url=url)
    return log_in(clients, url, "ana@b.c")


def test_there_is_one_first_user(clients: Clients, url: str, ask: Visitor) -> None:
    user = ask("get_user")
    assert (user.username, [role.name for role in user.roles]) == ("ana", ["owner"])
    with pytest.raises(Conflict):
        clients.call(None, "create_first_user", "ben", PASSWORD, url=url)
    with pytest.raises(Unauthorized):
        log_in(clients, url, "ana", "wrong")


def test_logging_out_ends_the_token(ask: Visitor) -> None:
    ask("logout")
    with pytest.raises(Unauthorized):
        ask("get_user")


def test_the_life_of_a_user(clients: Clients, url: str, ask: Visitor) -> None:
    made = ask("create_user", "ben", email="ben@b.c", name="Ben", password=PASSWORD)
    assert ask("get_user", "BEN") == ask("get_user", made.id) == made
    with pytest.raises(Conflict):
        ask("create_user", "Ben")
    ben = log_in(clients, url, "ben")
    assert ask("suspend_user", "ben").status == "suspended"
    with pytest.raises(Unauthorized):
        ben("get_user")
    assert ask("activate_user", "ben").status == "active"
    ben("set_user_password", "me", "another horse", old_password=PASSWORD)
    with pytest.raises(Invalid, match="Old password"):
        ben("set_user_password", "me", "another horse", old_password=PASSWORD)
    log_in(clients, url, "ben", "another horse")
    assert [role.name for role in ask("set_user_roles", "ben", ["auditor"]).roles] == ["auditor"]
    with pytest.raises((Forbidden, NotFound)):
        ben("create_user", "cleo")


def test_users_are_listed_and_gone_through(ask: Visitor) -> None:
    for number in range(4):
        ask("create_user", f"u{number:03}")
    page = ask("list_users", limit=2)
    assert (page.count, [user.username for user in page.users]) == (5, ["ana", "u000"])
    rest = ask("list_users", limit=2, after_id=page.users[-1].id)
    assert [user.username for user in rest.users] == ["u001", "u002"]
    assert [user.username for user in ask("iter_users")] == ["ana", *(f"u00{n}" for n in range(4))]
    assert [user.username for user in ask("iter_users", "role:owner")] == ["ana"]
    with pytest.raises(Invalid):
        ask("list_users", "nonsense:x")


def test_the_life_of_a_token(clients: Clients, url: str, ask: Visitor) -> None:
    ask("create_user", "ben")
    made = ask("create_token", "ben", name="laptop", lifetime=timedelta(hours=1), scopes=["read"])
    assert (made.lifetime_seconds, made.scopes) == (3600, ["read"])
    assert ask("create_token").lifetime_seconds == 30 * 86_400
    assert ask("create_token", lifetime=None).expires_at is None
    ben = Visitor(clients, url, made.key)
    assert ben("get_user").username == "ben"
    with pytest.raises(Forbidden, match="scope admin"):
        ben("create_token")
    assert [token.id for token in ask("list_tokens", "ben")] == [made.id]
    assert len(ask("list_all_tokens")) == 4
    assert ask("get_token", made.id, "ben").token_name == "laptop"
    ask("delete_token", made.id, "ben")
    with pytest.raises(NotFound):
        ask("get_token", made.id, "ben")
    with pytest.raises(Unauthorized):
        ben("get_user")


def test_the_life_of_a_group_and_its_budget(ask: Visitor) -> None:
    for name in ("ben", "cleo"):
        ask("create_user", name)
    (organization,) = ask("list_organizations")
    group = ask("create_group", "developers", display_name="Entwickler")
    with pytest.raises(Conflict):
        ask("create_group", "Developers")
    full = ask("add_group_members", "developers", ["ben", "cleo"])
    assert [member.username for member in full.members] == ["ben", "cleo"]
    assert ask("remove_group_members", UUID(group.id), ["ben"]).total_member_count == 1
    assert ask("update_group", group.id, name="devs").display_name == "Entwickler"
    assert ask("get_group", "devs") == ask("get_group", group.id)
    assert ask("get_group", "Everyone").id == organization.id
    assert {one.name for one in ask("list_groups", organization.id)} == {"devs", "Everyone"}
    with pytest.raises(NotFound):
        ask("group_ai_budget", group.id)
    assert ask("upsert_group_ai_budget", "devs", 0).spend_limit_micros == 0
    assert ask("group_ai_budget", group.id).spend_limit_micros == 0
    with pytest.raises(Invalid):
        ask("upsert_group_ai_budget", group.id, 10**13)
    ask("delete_group_ai_budget", group.id)
    ask("delete_group", group.id)
    with pytest.raises(NotFound):
        ask("get_group", "devs")


def test_a_user_has_a_limit_of_their_own(ask: Visitor) -> None:
    ask("create_user", "ben")
    group = ask("create_group", "devs")
    limit = {"group_id": "devs", "spend_limit_micros": 5}
    with pytest.raises(Invalid):
        ask("upsert_user_ai_budget_override", "ben", **limit)
    ask("add_group_members", group.id, ["ben"])
    assert ask("upsert_user_ai_budget_override", "ben", **limit).group_id == group.id
    assert ask("user_ai_budget_override", "ben").spend_limit_micros == 5
    ask("delete_user_ai_budget_override", "ben")
    with pytest.raises(NotFound):
        ask("user_ai_budget_override", "ben")


def test_a_price_of_ones_own_is_set_replaced_and_deleted(ask: Visitor) -> None:
    price = {
        "provider": "openai-compat",
        "model": "Our-Llama",
        "input_price": 3_000_000,
        "output_price": None,
        "cache_read_price": 0,
        "cache_write_price": None,
    }
    ask("upsert_ai_model_prices", [price])
    ask("upsert_ai_model_prices", [CustomAIModelPrice.model_validate({**price, "output_price": 5})])
    (found,) = ask("list_ai_model_prices", provider="openai-compat", model="our-llama")
    assert (found.source, found.input_price, found.output_price) == ("custom", 3_000_000, 5)
    with pytest.raises(Invalid) as refused:
        ask("upsert_ai_model_prices", [price, {**price, "provider": "bedrok"}])
    assert [one.field for one in refused.value.validations] == ["prices.1.provider"]
    ask("delete_ai_model_price", "openai-compat", "OUR-llama")
    with pytest.raises(NotFound):
        ask("delete_ai_model_price", "openai-compat", "Our-Llama")
    assert ask("list_ai_model_prices", source="custom") == []


def test_what_was_spent_is_read_beside_its_limits(ask: Visitor) -> None:
    ben = ask("create_user", "ben")
    group = ask("create_group", "devs")
    ask("add_group_members", "devs", ["ben"])
    assert ask("user_ai_spend", "ben").effective_budget is None
    assert ask("group_ai_spend", "devs").spend_limit_micros is None
    ask("upsert_group_ai_budget", "devs", 0)
    status = ask("user_ai_spend", "ben")
    assert (status.effective_budget.spend_limit_micros, status.current_spend_micros) == (0, 0)
    assert ask("group_ai_spend", group.id).total_spend_limit_micros == 0
    (listed,) = ask("list_group_ai_spend", [group.id]).groups
    assert (listed.group_id, listed.spend_limit_micros) == (group.id, 0)
    (member,) = ask("list_member_ai_spend", "devs", [ben.id]).members
    assert member.effective_limit_source == "group"
    with pytest.raises(Invalid, match="maximum is 100"):
        ask("list_group_ai_spend", [group.id] * 101)
    week = {"since": datetime(2026, 1, 1, tzinfo=UTC), "until": datetime(2026, 1, 8, tzinfo=UTC)}
    report = ask("list_user_ai_spend", **week)
    assert (report.period_start, report.period_end) == tuple(week.values())
    assert ask("ai_spend", "day", user="ben", **week).parts == []
    tried = ask("simulate_ai_spend", groups={"devs": {"spend_limit_micros": None}}, **week)
    assert [(one.name, one.spend_limit_micros) for one in tried.groups] == [("devs", None)]
    header = ask("export_ai_spend", user_id=ben.id, **week)
    assert header.startswith(b"user_id,username,group_id,")


def test_what_was_done_is_on_the_audit_log(ask: Visitor) -> None:
    ask("create_user", "ben", password=PASSWORD)
    ask("suspend_user", "ben")
    page = ask("list_audit_logs", "resource_target:ben", limit=1)
    assert (page.count, page.audit_logs[0].action) == (2, "write")
    assert page.audit_logs[0].diff["status"].new == "suspended"
    made = ask("list_audit_logs", "resource_target:ben", after_id=page.audit_logs[0].id)
    assert [entry.action for entry in made.audit_logs] == ["create"]
    assert PASSWORD not in made.model_dump_json()
    assert len(ask("iter_audit_logs")) == ask("list_audit_logs").count
    assert page.audit_logs[0].user_agent.startswith("aibridge-python/")


def test_providers_are_listed(ask: Visitor) -> None:
    assert ask("list_providers") == []


async def test_a_client_is_logged_in_where_it_is_made(url: str) -> None:
    await AsyncClient.create_first_user("ana", PASSWORD, url=url)
    async with await AsyncClient.login("ana", PASSWORD, url=url) as client:
        assert [user.username async for user in client.iter_users()] == ["ana"]
