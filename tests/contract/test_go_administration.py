"""What the contract's Go client asks of people, groups, tokens and the installation, byte for byte.

The bodies are as ``codersdk`` writes them: every field, with Go's empty values.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import delete

from aibridge.store.schema import tables as schema
from tests.bridge import providers, serve
from tests.contract.go import TIME, UUID, Nullable, Optional, Served, check
from tests.databases import Databases
from tests.wire import ask as send

PASSWORD = "correct horse battery"
ORGANIZATION = "00000000-0000-4000-8000-000000000001"

USER = {
    "id": UUID,
    "username": str,
    "name": Optional(str),
    "avatar_url": Optional(str),
    "email": str,
    "created_at": TIME,
    "updated_at": TIME,
    "status": str,
    "organization_ids": [UUID],
    "roles": [{"name": str, "display_name": str}],
}
MEMBER = {key: USER[key] for key in ("id", "username", "email", "status", "created_at")}
KEY = {
    "id": str,
    "user_id": UUID,
    "last_used": Nullable(TIME),
    "expires_at": Nullable(TIME),
    "created_at": TIME,
    "login_type": str,
    "scopes": [str],
    "token_name": str,
    "lifetime_seconds": int,
}
GROUP = {
    "id": UUID,
    "name": str,
    "display_name": str,
    "organization_id": UUID,
    "members": [MEMBER],
    "total_member_count": int,
    "avatar_url": str,
    "source": str,
}
ORG = {"id": UUID, "name": str, "display_name": str, "is_default": bool}
BUDGET = {"group_id": UUID, "spend_limit_micros": int, "created_at": TIME, "updated_at": TIME}
OVERRIDE = {"user_id": UUID, **BUDGET}
PROVIDER = {
    "id": UUID,
    "type": str,
    "name": str,
    "display_name": str,
    "icon": str,
    "enabled": bool,
    "base_url": str,
    "api_keys": [{"id": UUID, "masked": str, "created_at": Nullable(TIME)}],
    "settings": Nullable(dict),
    "created_at": Nullable(TIME),
    "updated_at": Nullable(TIME),
}
ACT = {
    "id": UUID,
    "time": TIME,
    "ip": str,
    "user_agent": str,
    "resource_type": str,
    "resource_id": UUID,
    "resource_target": str,
    "action": str,
    "diff": dict,
    "description": str,
    "user": {"id": UUID, "username": str},
}
ENTITLEMENTS = {
    "features": {"aibridge": {"entitlement": str, "enabled": bool}},
    "warnings": [str],
    "errors": [str],
    "has_license": bool,
    "trial": bool,
    "require_telemetry": bool,
    "refreshed_at": TIME,
}


@pytest.fixture
def bridge(databases: Databases, tmp_path: Any) -> Iterator[Served]:
    """A bridge of one provider, without any user."""
    configured = providers("http://127.0.0.1:9")
    with databases.url() as url, serve(tmp_path, configured, database_url=url) as bridge:
        with bridge.database.write() as connection:
            connection.execute(delete(schema.tokens))
            connection.execute(delete(schema.users))
        yield Served(bridge, "")


def ask(served: Served, method: str, target: str, body: str = "", *, status: int = 200) -> Any:
    """Send a request as Go does, and return what is answered."""
    content = f"{body}\n".encode() if body else None
    found, answer = served.send(method, f"/api/v2{target}", content)
    assert found == status, answer
    return json.loads(answer) if answer else None


def test_an_installation_is_set_up_and_administered_as_go_asks(bridge: Served) -> None:
    ask(bridge, "GET", "/users/first", status=404)
    first = ask(
        bridge,
        "POST",
        "/users/first",
        '{"email":"root@example.com","username":"root","name":"Root","password":"correct horse '
        'battery","trial":false,"trial_info":{"first_name":"","last_name":"","phone_number":"",'
        '"job_title":"","company_name":"","country":"","developers":""}}',
        status=201,
    )
    check({"user_id": UUID, "organization_id": UUID}, first)
    ask(bridge, "GET", "/users/first")
    build = {"version": str, "external_url": str, "dashboard_url": str, "telemetry": bool}
    check(build, ask(bridge, "GET", "/buildinfo"))
    enabled = {"enabled": bool}
    methods = {"password": enabled, "github": enabled, "oidc": enabled}
    check(methods, ask(bridge, "GET", "/users/authmethods"))
    login = f'{{"email":"root@example.com","password":"{PASSWORD}"}}'
    session = ask(bridge, "POST", "/users/login", login, status=201)
    bridge.token = session["session_token"]
    bridge.token = ask(bridge, "POST", "/users/me/keys", status=201)["key"]
    check(USER, ask(bridge, "GET", "/users/me"))
    check(
        {"roles": [str], "organization_roles": {ORGANIZATION: [str]}},
        ask(bridge, "GET", "/users/me/roles"),
    )
    check(ENTITLEMENTS, ask(bridge, "GET", "/entitlements"))
    check([str], ask(bridge, "GET", "/experiments"))
    checked = ask(
        bridge,
        "POST",
        "/authcheck",
        '{"checks":{"readAll":{"object":{"resource_type":"aibridge_interception"},'
        '"action":"read"}}}',
    )
    assert checked == {"readAll": True}
    check([PROVIDER], ask(bridge, "GET", "/ai/providers"))
    check(PROVIDER, ask(bridge, "GET", "/ai/providers/anthropic"))
    _organizations(bridge)
    _tokens(bridge)
    ben = _users(bridge)
    _groups(bridge, ben)
    acts = ask(bridge, "GET", "/audit?limit=5&q=action%3Acreate+date_from%3A2026-01-01")
    check({"count": int, "audit_logs": [ACT]}, acts)
    assert len(acts["audit_logs"]) == 5
    check({"audit_logs": [ACT]}, ask(bridge, "GET", "/audit?q="))
    ask(bridge, "POST", "/users/logout")
    ask(bridge, "GET", "/users/me", status=401)


def _organizations(bridge: Served) -> None:
    for path in ("/organizations", "/users/me/organizations"):
        check([ORG], ask(bridge, "GET", path))
    for path in (f"/organizations/{ORGANIZATION}", "/users/me/organizations/default"):
        check(ORG, ask(bridge, "GET", path))
    members = ask(bridge, "GET", f"/organizations/{ORGANIZATION}/members/")
    member = {"user_id": UUID, "organization_id": UUID, "username": str, "email": str}
    check([{**member, "global_roles": [{"name": str, "display_name": str}]}], members)
    role = {"name": str, "display_name": str, "assignable": bool, "built_in": bool}
    check([role], ask(bridge, "GET", "/users/roles"))


def _tokens(bridge: Served) -> None:
    tokens = "/users/me/keys/tokens"
    check({"max_token_lifetime": int}, ask(bridge, "GET", f"{tokens}/tokenconfig"))
    made = '{"lifetime":86400000000000,"token_name":"ci"}'
    check({"key": str}, ask(bridge, "POST", tokens, made, status=201))
    made = '{"lifetime":0,"scopes":["coder:all"],"token_name":"default"}'
    check({"key": str}, ask(bridge, "POST", tokens, made, status=201))
    listed = ask(bridge, "GET", f"{tokens}?include_all=false&include_expired=false")
    check([{**KEY, "username": str}], listed)
    days = {one["token_name"]: one["lifetime_seconds"] // 86_400 for one in listed}
    assert (days["ci"], days["default"]) == (1, 30)
    token = ask(bridge, "GET", f"{tokens}/ci")
    check(KEY, token)
    at = f"/users/me/keys/{token['id']}"
    check(KEY, ask(bridge, "GET", at))
    ask(bridge, "PUT", f"{at}/expire", status=204)
    ask(bridge, "DELETE", at, status=204)


def _users(bridge: Served) -> str:
    ben = ask(
        bridge,
        "POST",
        "/users",
        '{"email":"ben@example.com","username":"ben","name":"","password":"correct horse '
        'battery","login_type":"password","user_status":null,"organization_ids":'
        f'["{ORGANIZATION}"]}}',
        status=201,
    )
    check(USER, ben)
    bot = (
        '{"email":"","username":"bot","name":"","password":"","login_type":"none",'
        '"user_status":null,"organization_ids":null,"service_account":true}'
    )
    check(USER, ask(bridge, "POST", "/users", bot, status=201))
    earlier = (
        '{"email":"eve@example.com","username":"eve","name":"","password":"correct horse '
        'battery","login_type":"","disable_login":false,'
        '"organization_id":"00000000-0000-0000-0000-000000000000"}'
    )
    check(USER, ask(bridge, "POST", "/users", earlier, status=201))
    for q in ("be+status%3Aactive", "", "name%3Aoo"):
        found = ask(bridge, "GET", f"/users?limit=2&q={q}")
        check({"users": [USER], "count": int}, found)
        assert found["users"]
    roles = ask(bridge, "PUT", "/users/ben/roles", '{"roles":["auditor"]}')["roles"]
    assert [one["name"] for one in roles] == ["auditor"]
    assert ask(bridge, "PUT", "/users/ben/roles", '{"roles":null}')["roles"] == []
    for status in ("suspend", "activate"):
        check(USER, ask(bridge, "PUT", f"/users/ben/status/{status}"))
    change = '{"old_password":"","password":"another long one"}'
    ask(bridge, "PUT", "/users/ben/password", change, status=204)
    return str(ben["id"])


def _groups(bridge: Served, ben: str) -> None:
    groups = f"/organizations/{ORGANIZATION}/groups"
    new = '{"name":"core","display_name":"","avatar_url":"","quota_allowance":0}'
    group = ask(bridge, "POST", groups, new, status=201)
    check(GROUP, group)
    at = f"/groups/{group['id']}"
    unset = '"remove_users":null,"name":"","avatar_url":null,"quota_allowance":null'
    change = f'{{"add_users":["{ben}"],"display_name":null,{unset}}}'
    joined = ask(bridge, "PATCH", at, change)
    check(GROUP, joined)
    assert [one["username"] for one in joined["members"]] == ["ben"]
    called = ask(bridge, "PATCH", at, f'{{"add_users":null,"display_name":"C",{unset}}}')
    assert (called["name"], called["display_name"]) == ("core", "C")
    assert called["total_member_count"] == 1
    query = f"group_ids={group['id']}&has_member=ben&organization={ORGANIZATION}"
    check([GROUP], ask(bridge, "GET", f"/groups?{query}"))
    check([GROUP], ask(bridge, "GET", f"/groups?organization={ORGANIZATION}"))
    for path in (at, f"{at}?exclude_members=true", f"{groups}/core"):
        check(GROUP, ask(bridge, "GET", path))
    check(BUDGET, ask(bridge, "PUT", f"{at}/ai/budget", '{"spend_limit_micros":0}'))
    for path in (f"/users/{ben}/ai/budget/override", f"/users/{ben}/ai/budget"):
        own = f'{{"group_id":"{group["id"]}","spend_limit_micros":7}}'
        check(OVERRIDE, ask(bridge, "PUT", path, own))
        check(OVERRIDE, ask(bridge, "GET", path))
        ask(bridge, "DELETE", path, status=204)
    ask(bridge, "DELETE", f"{at}/ai/budget", status=204)
    assert ask(bridge, "DELETE", at).keys() == {"message"}


@pytest.mark.parametrize("status", [404, 200])
def test_go_knows_the_api_for_one_of_its_own(bridge: Served, status: int) -> None:
    """It asks the first of its questions of whoever it is given, and wants this header."""
    if status == 200:
        bridge.bridge.add_user("root")
    answer = send(bridge.bridge.url, "/api/v2/users/first", method="GET")
    assert answer.status == status
    (release,) = answer.values(b"x-coder-build-version")
    assert release.startswith(b"v0.0.0-")
