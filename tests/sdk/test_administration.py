"""What the methods for users, tokens, groups, budgets and the audit log send and read."""

import inspect
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from aibridge.contract import (
    AIModelPrice,
    CreatedToken,
    CreateFirstUserResponse,
    CustomAIModelPrice,
    GroupAIBudget,
    GroupDetail,
    MinimalUser,
    Organization,
    SiteRole,
    Token,
    TokenScope,
    User,
    UserAIBudgetOverride,
)
from aibridge.sdk import (
    ApiError,
    Client,
    Conflict,
    Invalid,
    NotFound,
    SessionFilter,
    Unauthorized,
    WrongArgument,
)
from aibridge.sdk.endpoints import users
from tests.sdk import samples, spend_cases
from tests.sdk.cases import Case
from tests.sdk.conftest import TOKEN, Clients

API = "/api/v2"
G = "0199a3c4-7f00-7000-8000-00000000000a"
PASSWORD = 'correct "horse" ü'
SAID = PASSWORD.replace('"', '\\"')
CREATED, EMPTY = 201, 204


PRICES = "/api/experimental/ai/model-prices"
CAPS = "/api/experimental/ai/spend-caps"
PRICE = {
    "provider": "anthropic",
    "model": "opus",
    "input_price": 3_000_000,
    "output_price": None,
    "cache_read_price": 0,
    "cache_write_price": None,
}
SENT = (
    '{"provider":"anthropic","model":"opus","input_price":3000000,"output_price":null,'
    '"cache_read_price":0,"cache_write_price":null}'
)
LONGER = SENT.replace("}", ',"cache_write_1h_price":5}')

USER, GROUP = samples.user("u"), samples.group_detail(G)
OK = {"message": "Done."}

CASES = [
    Case("logout", (), "POST /users/logout", answer=OK),
    Case("list_users", (), "GET /users", answer={"count": 0, "users": []}),
    Case(
        "list_users",
        ("ana status:active",),
        "GET /users?q=ana+status%3Aactive&after_id=u&limit=5&offset=3",
        options={"limit": 5, "offset": 3, "after_id": "u"},
        answer={"count": 1, "users": [USER]},
    ),
    Case("get_user", (), "GET /users/me", answer=USER, kind=User),
    Case("get_user", ("a/b?",), "GET /users/a%2Fb%3F", answer=USER, kind=User),
    Case("get_user", ("..",), "GET /users/%2E%2E", answer=USER, kind=User),
    Case(
        "create_user",
        ("ana",),
        "POST /users",
        '{"username":"ana"}',
        status=CREATED,
        answer=USER,
        kind=User,
    ),
    Case(
        "create_user",
        ("ana",),
        "POST /users",
        f'{{"username":"ana","email":"a@b.c","name":"","password":"{SAID}","roles":["auditor"]}}',
        options={
            "email": "a@b.c",
            "name": "",
            "password": PASSWORD,
            "roles": [SiteRole.AUDITOR],
        },
        status=CREATED,
        answer=USER,
    ),
    Case("suspend_user", ("ana",), "PUT /users/ana/status/suspend", answer=USER, kind=User),
    Case("activate_user", ("ana",), "PUT /users/ana/status/activate", answer=USER, kind=User),
    Case("set_user_roles", ("ana", []), "PUT /users/ana/roles", '{"roles":[]}', answer=USER),
    Case(
        "set_user_roles",
        ("ana", ["owner", "member"]),
        "PUT /users/ana/roles",
        '{"roles":["owner","member"]}',
        answer=USER,
    ),
    Case(
        "set_user_password",
        ("ana", PASSWORD),
        "PUT /users/ana/password",
        f'{{"password":"{SAID}"}}',
        status=EMPTY,
    ),
    Case(
        "set_user_password",
        ("me", PASSWORD),
        "PUT /users/me/password",
        f'{{"password":"{SAID}","old_password":"before"}}',
        options={"old_password": "before"},
        status=EMPTY,
    ),
    Case("list_tokens", (), "GET /users/me/keys/tokens", answer=[samples.token("t")]),
    Case("list_tokens", ("ana",), "GET /users/ana/keys/tokens", answer=[]),
    Case("list_all_tokens", (), "GET /users/me/keys/tokens?include_all=true", answer=[]),
    Case(
        "create_token",
        (),
        "POST /users/me/keys/tokens",
        "{}",
        status=CREATED,
        answer={**samples.token("t"), "key": "t-s"},
        kind=CreatedToken,
    ),
    Case(
        "create_token",
        ("ana",),
        "POST /users/ana/keys/tokens",
        '{"token_name":"laptop","lifetime_seconds":86400,"scopes":["read"]}',
        options={"name": "laptop", "lifetime": timedelta(days=1), "scopes": [TokenScope.READ]},
        status=CREATED,
        answer={**samples.token("t"), "key": "t-s"},
    ),
    Case(
        "create_token",
        (),
        "POST /users/me/keys/tokens",
        '{"lifetime_seconds":0}',
        options={"lifetime": None},
        status=CREATED,
        answer={**samples.token("t"), "key": "t-s"},
    ),
    Case("get_token", ("t",), "GET /users/me/keys/t", answer=samples.token("t"), kind=Token),
    Case("get_token", ("t", "ana"), "GET /users/ana/keys/t", answer=samples.token("t")),
    Case("delete_token", ("t",), "DELETE /users/me/keys/t", status=EMPTY),
    Case("delete_token", ("t", "ana"), "DELETE /users/ana/keys/t", status=EMPTY),
    Case(
        "list_organizations",
        (),
        "GET /organizations",
        answer=[{"id": "o", "name": "default", "display_name": "", "is_default": True}],
    ),
    Case(
        "list_groups", (), "GET /organizations/default/groups", answer=[samples.group_detail("g")]
    ),
    Case("list_groups", ("o",), "GET /organizations/o/groups", answer=[]),
    Case("get_group", (G.upper(),), f"GET /groups/{G.upper()}", answer=GROUP, kind=GroupDetail),
    Case("get_group", (UUID(G),), f"GET /groups/{G}", answer=GROUP),
    Case("get_group", ("Everyone",), "GET /organizations/default/groups/Everyone", answer=GROUP),
    Case("get_group", (G[:-1],), f"GET /organizations/default/groups/{G[:-1]}", answer=GROUP),
    Case(
        "create_group",
        ("devs",),
        "POST /organizations/default/groups",
        '{"name":"devs"}',
        status=CREATED,
        answer=GROUP,
        kind=GroupDetail,
    ),
    Case(
        "create_group",
        ("devs",),
        "POST /organizations/o/groups",
        '{"name":"devs","display_name":"Développeurs"}',
        options={"display_name": "Développeurs", "organization": "o"},
        status=CREATED,
        answer=GROUP,
    ),
    Case(
        "update_group",
        (G,),
        f"PATCH /groups/{G}",
        '{"name":"ops","display_name":""}',
        options={"name": "ops", "display_name": ""},
        answer=GROUP,
        kind=GroupDetail,
    ),
    Case(
        "add_group_members",
        (G, ["ana", UUID(G)]),
        f"PATCH /groups/{G}",
        f'{{"add_users":["ana","{G}"]}}',
        answer=GROUP,
    ),
    Case(
        "remove_group_members",
        (UUID(G), ["ana"]),
        f"PATCH /groups/{G}",
        '{"remove_users":["ana"]}',
        answer=GROUP,
    ),
    Case("delete_group", (G,), f"DELETE /groups/{G}", answer={"message": "Gone."}),
    Case(
        "group_ai_budget",
        (G,),
        f"GET /groups/{G}/ai/budget",
        answer=samples.group_budget(),
        kind=GroupAIBudget,
    ),
    Case(
        "upsert_group_ai_budget",
        (G, 0),
        f"PUT /groups/{G}/ai/budget",
        '{"spend_limit_micros":0}',
        answer=samples.group_budget(),
        kind=GroupAIBudget,
    ),
    Case("delete_group_ai_budget", (UUID(G),), f"DELETE /groups/{G}/ai/budget", status=EMPTY),
    Case(
        "user_ai_budget_override",
        (),
        "GET /users/me/ai/budget/override",
        answer=samples.override(),
        kind=UserAIBudgetOverride,
    ),
    Case(
        "upsert_user_ai_budget_override",
        ("ana",),
        "PUT /users/ana/ai/budget/override",
        f'{{"group_id":"{G}","spend_limit_micros":5}}',
        options={"group_id": UUID(G), "spend_limit_micros": 5},
        answer=samples.override(),
        kind=UserAIBudgetOverride,
    ),
    Case(
        "delete_user_ai_budget_override",
        ("ana",),
        "DELETE /users/ana/ai/budget/override",
        status=EMPTY,
    ),
    Case("list_ai_spend_caps", (), f"GET {CAPS}", answer=[samples.cap()]),
    Case(
        "upsert_ai_spend_cap",
        ("token", "abcdefghij", "total", 5),
        f"PUT {CAPS}",
        '{"scope":"token","target_id":"abcdefghij","period":"total","spend_limit_micros":5}',
        answer=samples.cap(),
    ),
    Case("delete_ai_spend_cap", ("c/1",), f"DELETE {CAPS}/c%2F1", status=EMPTY),
    Case("list_ai_model_prices", (), f"GET {PRICES}?source=all", answer=[samples.price()]),
    Case(
        "list_ai_model_prices",
        (),
        f"GET {PRICES}?provider=anthropic&model=a%2Fb&source=custom",
        options={"provider": "anthropic", "model": "a/b", "source": "custom"},
        answer=[],
    ),
    Case(
        "upsert_ai_model_prices",
        ([PRICE, {**PRICE, "cache_write_1h_price": 5}],),
        f"POST {PRICES}",
        f'{{"prices":[{SENT},{LONGER}]}}',
        status=EMPTY,
    ),
    Case(
        "upsert_ai_model_prices",
        ([CustomAIModelPrice.model_validate(PRICE)],),
        f"POST {PRICES}",
        f'{{"prices":[{SENT}]}}',
        status=EMPTY,
    ),
    Case(
        "delete_ai_model_price",
        ("anthropic", "a/b"),
        f"DELETE {PRICES}?provider=anthropic&model=a%2Fb",
        status=EMPTY,
    ),
    Case("list_audit_logs", (), "GET /audit", answer={"count": 0, "audit_logs": []}),
    Case(
        "list_audit_logs",
        ("action:write",),
        "GET /audit?q=action%3Awrite&after_id=x&limit=2",
        options={"limit": 2, "after_id": "x"},
        answer={"count": 1, "audit_logs": [samples.audit_log("x")]},
    ),
    *spend_cases.CASES,
]
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def answering(case: Case, requests: list[httpx.Request], status: int | None = None) -> Any:
    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if case.answer is None:
            return httpx.Response(status or case.status)
        if isinstance(case.answer, bytes):
            return httpx.Response(status or case.status, content=case.answer)
        return httpx.Response(status or case.status, json=case.answer)

    return answer


@every_case
def test_each_method_sends_one_request_and_reads_its_answer(clients: Clients, case: Case) -> None:
    requests: list[httpx.Request] = []
    found = clients.use(answering(case, requests), case.name, *case.arguments, **case.options)
    (request,) = requests
    expected = case.request if " /api/" in case.request else case.request.replace(" ", f" {API}", 1)
    assert f"{request.method} {request.url.raw_path.decode()}" == expected
    assert request.content.decode() == case.body
    assert request.headers.get("content-type", "") == ("application/json" if case.body else "")
    assert case.kind is None or type(found) is case.kind
    if case.answer is None or isinstance(case.answer, bytes):
        assert found == case.answer


@every_case
@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_only_the_status_of_the_contract_is_a_success(
    clients: Clients, case: Case, status: int
) -> None:
    if status == case.status:
        return
    requests: list[httpx.Request] = []
    handler = answering(case, requests, status)
    with pytest.raises(ApiError) as caught:
        clients.use(handler, case.name, *case.arguments, **case.options)
    assert caught.value.status == status
    assert len(requests) == 1


def test_an_unexpected_status_is_named(clients: Clients) -> None:
    case = next(one for one in CASES if one.name == "upsert_group_ai_budget")
    with pytest.raises(ApiError, match=r"not the status 200.*status 201"):
        clients.use(answering(case, [], 201), case.name, *case.arguments)


def test_every_method_of_administration_has_a_case() -> None:
    record = {"models", "clients", "providers", "sessions", "interceptions", "session_threads"}
    names = {
        name
        for name, _ in inspect.getmembers(Client, inspect.isfunction)
        if not name.startswith(("_", "iter_")) and name not in {"close", "with_options"}
    }
    covered = {case.name for case in CASES}
    assert names - covered == {f"list_{name}" for name in record - {"session_threads"}} | {
        "get_interception",
        "get_session_threads",
    }


def test_lists_are_models(clients: Clients) -> None:
    cases = {case.name: case for case in CASES if case.name.startswith("list_") and case.answer}
    kinds = {
        "list_tokens": Token,
        "list_organizations": Organization,
        "list_groups": GroupDetail,
        "list_ai_model_prices": AIModelPrice,
    }
    for name, kind in kinds.items():
        case = next(one for one in CASES if one.name == name and one.answer)
        assert type(clients.use(answering(case, []), name)[0]) is kind
    page = clients.use(answering(cases["list_users"], []), "list_users")
    assert (page.count, type(page.users[0])) == (1, User)
    logs = clients.use(answering(cases["list_audit_logs"], []), "list_audit_logs").audit_logs
    assert logs[0].user == MinimalUser(id="u-ana", username="ana")


@pytest.mark.parametrize(
    ("method", "arguments", "options", "complaint"),
    [
        ("create_user", ("a b",), {}, "username: "),
        ("create_user", ("ana",), {"password": "short"}, "password: "),
        ("create_user", ("ana",), {"roles": ["king"]}, "roles: "),
        ("set_user_password", ("ana", "short"), {}, "password: "),
        ("create_token", (), {"lifetime": timedelta(milliseconds=999)}, "a second or longer"),
        ("create_token", (), {"lifetime": -timedelta(days=1)}, "a second or longer"),
        ("create_token", (), {"lifetime": timedelta(days=40_000)}, "lifetime_seconds: "),
        ("create_token", (), {"scopes": []}, "scopes: "),
        ("upsert_group_ai_budget", (G, -1), {}, "spend_limit_micros: "),
        ("upsert_group_ai_budget", (G, 1.5), {}, "spend_limit_micros: "),
        ("upsert_group_ai_budget", (G, True), {}, "spend_limit_micros: "),
        ("upsert_ai_model_prices", ([{**PRICE, "input_price": 1.5}],), {}, "prices.0.input_price"),
        ("upsert_ai_model_prices", ([PRICE, {"model": "m"}],), {}, "prices.1.provider: it is need"),
        ("list_ai_model_prices", (), {"source": "shipped"}, "source: expected 'default', 'custom'"),
        ("get_user", ("",), {}, "it is empty"),
        ("delete_group", ("",), {}, "it is empty"),
    ],
)
def test_what_cannot_be_sent_is_refused_before_it_is(
    clients: Clients,
    method: str,
    arguments: tuple[Any, ...],
    options: dict[str, Any],
    complaint: str,
) -> None:
    with pytest.raises(WrongArgument) as caught:
        clients.use(lambda _request: httpx.Response(500), method, *arguments, **options)
    assert complaint in str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert "short" not in repr(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_password_does_not_show_in_a_request() -> None:
    for request in (
        users.login("ana", PASSWORD),
        users.set_password("a", PASSWORD, old_password="x"),
    ):
        assert PASSWORD not in repr(request)
        assert SAID.encode() in (request.body or b"")


def test_login_gives_a_client_that_sends_the_token(clients: Clients) -> None:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(201, json={"session_token": "given"})

    client = clients.call(answer, "login", "a@b.c", PASSWORD)
    (request,) = requests
    assert (request.method, request.url.path) == ("POST", "/api/v2/users/login")
    assert request.content.decode() == f'{{"email":"a@b.c","password":"{SAID}"}}'
    assert "coder-session-token" not in request.headers
    assert type(client) is clients.kind
    assert client.token == "given"
    assert "given" not in repr(client)
    assert client.notices == ()


def test_a_client_that_logged_in_has_the_notices(clients: Clients) -> None:
    said = {"session_token": "given", "notices": ["Your password was set by hr."]}
    client = clients.call(lambda _: httpx.Response(201, json=said), "login", "ana", PASSWORD)
    assert client.notices == ("Your password was set by hr.",)


def test_a_login_that_is_refused_is_an_error_and_closes_its_client(clients: Clients) -> None:
    closed: list[bool] = []

    class Transport(httpx.MockTransport):
        def close(self) -> None:
            closed.append(True)

        async def aclose(self) -> None:
            closed.append(True)

    refusal = httpx.Response(401, json={"message": "No."})
    transport = Transport(lambda _request: refusal)
    with pytest.raises(Unauthorized):
        clients.call(None, "login", "ana", "wrong", transport=transport)
    assert closed == [True]


def test_login_does_not_take_the_token_of_the_environment(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIBRIDGE_TOKEN", TOKEN)
    headers: list[httpx.Headers] = []

    def answer(request: httpx.Request) -> httpx.Response:
        headers.append(request.headers)
        return httpx.Response(201, json={"session_token": "given"})

    assert clients.call(answer, "login", "ana", PASSWORD).token == "given"
    assert TOKEN not in str(headers)


def test_the_first_user_is_made_without_a_token(clients: Clients) -> None:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(201, json={"user_id": "u", "organization_id": "o"})

    found = clients.call(answer, "create_first_user", "ana", PASSWORD, email="a@b.c")
    assert found == CreateFirstUserResponse(user_id="u", organization_id="o")
    (request,) = requests
    assert (request.method, request.url.path) == ("POST", "/api/v2/users/first")
    body = f'{{"username":"ana","password":"{SAID}","email":"a@b.c"}}'
    assert request.content.decode() == body
    assert "coder-session-token" not in request.headers


def test_a_second_first_user_is_a_conflict(clients: Clients) -> None:
    refusal = httpx.Response(409, json={"message": "There are users."})
    with pytest.raises(Conflict, match="There are users"):
        clients.call(lambda _request: refusal, "create_first_user", "ana", PASSWORD)


@pytest.mark.parametrize(
    ("method", "arguments", "options"),
    [
        ("set_user_password", ("me", "secret12\udcff"), {"old_password": "secret34"}),
        ("get_user", ("\ud800",), {}),
        ("list_users", ("\ud800",), {}),
        ("list_sessions", (SessionFilter(q="\ud800"),), {}),
        ("add_group_members", (GROUP, "ana"), {}),
    ],
)
def test_what_cannot_be_sent_is_a_wrong_argument_that_repeats_nothing(
    clients: Clients, method: str, arguments: tuple[Any, ...], options: dict[str, str]
) -> None:
    def never(_request: httpx.Request) -> httpx.Response:
        raise AssertionError("nothing is sent")

    with pytest.raises(WrongArgument) as caught:
        clients.use(never, method, *arguments, **options)
    assert "secret" not in repr(caught.value)
    assert caught.value.__cause__ is None


BY_GROUP: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    ("update_group", ("a b",), {"name": "ops"}, f"PATCH {API}/groups/{G}"),
    ("add_group_members", ("a b", ["ana"]), {}, f"PATCH {API}/groups/{G}"),
    ("remove_group_members", ("a b", ["ana"]), {}, f"PATCH {API}/groups/{G}"),
    ("delete_group", ("a b",), {}, f"DELETE {API}/groups/{G}"),
    ("group_ai_budget", ("a b",), {}, f"GET {API}/groups/{G}/ai/budget"),
    ("upsert_group_ai_budget", ("a b", 1), {}, f"PUT {API}/groups/{G}/ai/budget"),
    ("delete_group_ai_budget", ("a b",), {}, f"DELETE {API}/groups/{G}/ai/budget"),
    ("group_ai_spend", ("a b",), {}, f"GET {API}/groups/{G}/ai/spend"),
    (
        "list_member_ai_spend",
        ("a b", [G]),
        {},
        f"GET {API}/groups/{G}/members/ai/spend?user_ids={G}",
    ),
    (
        "upsert_user_ai_budget_override",
        ("ana",),
        {"group_id": "a b", "spend_limit_micros": 5},
        f"PUT {API}/users/ana/ai/budget/override",
    ),
]


@pytest.mark.parametrize(("method", "arguments", "options", "request_line"), BY_GROUP)
def test_a_group_may_be_named_and_its_id_is_looked_up_first(
    clients: Clients,
    method: str,
    arguments: tuple[Any, ...],
    options: dict[str, Any],
    request_line: str,
) -> None:
    sent: list[tuple[str, bytes]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append((f"{request.method} {request.url.raw_path.decode()}", request.content))
        if len(sent) == 1:
            return httpx.Response(200, json=GROUP)
        return httpx.Response(400, json={"message": "Enough."})

    with pytest.raises(Invalid, match="Enough"):
        clients.use(answer, method, *arguments, **options)
    look_up, then = sent
    assert look_up == (f"GET {API}/organizations/default/groups/a%20b", b"")
    assert then[0] == request_line
    if "group_id" in options:
        assert f'"group_id":"{G}"'.encode() in then[1]


def test_a_group_of_no_such_name_is_not_found_and_nothing_is_changed(clients: Clients) -> None:
    methods: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        methods.append(request.method)
        return httpx.Response(404, json={"message": "No."})

    with pytest.raises(NotFound):
        clients.use(answer, "delete_group", "nobodys")
    assert methods == ["GET"]


def test_every_method_that_takes_a_group_takes_its_name() -> None:
    """But for the filters of files, which take ids alone, as the API does."""
    taking = {
        name
        for name, method in inspect.getmembers(Client, inspect.isfunction)
        if {"group", "group_id"} & inspect.signature(method).parameters.keys()
    }
    files = {"export_ai_spend", "export_ai_spend_focus"}
    assert taking == {name for name, *_ in BY_GROUP} | {"get_group", *files}


def test_of_a_whole_token_only_the_id_is_sent(clients: Clients) -> None:
    urls: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        urls.append(str(request.url))
        return httpx.Response(204)

    clients.use(answer, "delete_token", "Xh3kV9aQ0b-ch3uj0fIlQYAEun7jKw3da")
    assert urls[0].endswith("/users/me/keys/Xh3kV9aQ0b")
