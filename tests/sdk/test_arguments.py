"""What is of another type than a method names is refused where it is given."""

import inspect
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from aibridge.contract import SiteRole
from aibridge.sdk import (
    Client,
    InterceptionFilter,
    PromptKind,
    RoleName,
    ScopeName,
    SessionFilter,
    WrongArgument,
)
from aibridge.sdk.arguments import checked
from tests.sdk.conftest import TOKEN, URL, Clients

G = "0199a3c4-7f00-7000-8000-00000000000a"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def never(_request: httpx.Request) -> httpx.Response:
    raise AssertionError("nothing is sent")


def parameters() -> Iterator[tuple[str, str]]:
    """Return each parameter of each method."""
    for method, function in inspect.getmembers(Client, inspect.isroutine):
        if not method.startswith("_"):
            for name in inspect.signature(function).parameters:
                if name not in {"self", "options"}:
                    yield method, name


def fitting(name: str) -> Any:
    """Return a value that a parameter may have which is needed."""
    if name in {"users", "roles", "prices", "user_ids", "group_ids"}:
        return []
    words = {"scope": "group", "period": "day", "spend_limit_micros": 1}
    return words.get(name, G)


@pytest.mark.parametrize(("method", "name"), list(parameters()))
def test_every_argument_of_every_method_is_checked_and_named(
    clients: Clients, method: str, name: str
) -> None:
    signature = inspect.signature(getattr(Client, method))
    needed = {
        one.name: fitting(one.name)
        for one in signature.parameters.values()
        if one.default is one.empty and one.name not in {"self", "options"}
    }
    with pytest.raises(WrongArgument, match=rf"^{name}: ") as caught:
        call(clients, method, **{**needed, name: object()})
    assert "object object" not in str(caught.value)
    assert "something else" not in str(caught.value)


def call(clients: Clients, method: str, *arguments: Any, **options: Any) -> Any:
    if method in {"login", "create_first_user"}:
        return clients.call(never, method, *arguments, **options)
    return clients.use(never, method, *arguments, **options)


@pytest.mark.parametrize(
    ("method", "arguments", "options", "name"),
    [
        ("list_sessions", ("model:x",), {}, "where"),
        ("list_sessions", (InterceptionFilter(),), {}, "where"),
        ("iter_sessions", (InterceptionFilter(),), {}, "where"),
        ("list_interceptions", (SessionFilter(),), {}, "where"),
        ("iter_interceptions", (SessionFilter(),), {}, "where"),
        ("list_sessions", (), {"limit": None}, "limit"),
        ("list_sessions", (), {"limit": "5"}, "limit"),
        ("list_sessions", (), {"limit": True}, "limit"),
        ("list_sessions", (), {"limit": 5.0}, "limit"),
        ("list_sessions", (), {"limit": -1}, "limit"),
        ("list_users", (), {"offset": -1}, "offset"),
        ("iter_users", (), {"limit": -1}, "limit"),
        ("iter_threads", ("s",), {"limit": True}, "limit"),
        ("get_user", (None,), {}, "user"),
        ("get_group", (5,), {}, "group"),
        ("get_interception", (None,), {}, "interception_id"),
        ("add_group_members", ("devs", "ana"), {}, "users"),
        ("add_group_members", ("devs", [None]), {}, "users"),
        ("add_group_members", ("devs", {"ana": 1}), {}, "users"),
        ("set_user_roles", ("ana", "owner"), {}, "roles"),
        ("set_user_roles", ("ana", ["ownr"]), {}, "roles"),
        ("create_token", (), {"scopes": ["reed"]}, "scopes"),
        ("create_token", (), {"lifetime": 30}, "lifetime"),
        ("upsert_group_ai_budget", ("devs", "5"), {}, "spend_limit_micros"),
        ("list_group_ai_spend", (G,), {}, "group_ids"),
        ("list_member_ai_spend", ("devs", [None]), {}, "user_ids"),
        ("ai_spend", ("users",), {}, "by"),
        ("ai_spend", (), {"since": NOON.replace(tzinfo=None)}, "since"),
        ("list_user_ai_spend", (), {"until": "2026-01-01T12:00:00Z"}, "until"),
        (
            "upsert_user_ai_budget_override",
            ("ana",),
            {"group_id": "devs", "spend_limit_micros": -1},
            "spend_limit_micros",
        ),
        ("with_options", (), {"timeout": "5"}, "timeout"),
        ("with_options", (), {"timeout": 0}, "timeout"),
        ("with_options", (), {"retries": -1}, "retries"),
        ("with_options", (), {"headers": {"a": "b\nc"}}, "headers"),
    ],
)
def test_what_is_of_another_type_is_refused_before_anything_is_sent(
    clients: Clients,
    method: str,
    arguments: tuple[Any, ...],
    options: dict[str, Any],
    name: str,
) -> None:
    with pytest.raises(WrongArgument, match=rf"^{name}: "):
        clients.use(never, method, *arguments, **options)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model", ["x"]),
        ("model", None),
        ("initiator", 5),
        ("started_after", NOON.replace(tzinfo=None)),
        ("started_before", "2026-01-01T12:00:00Z"),
        ("kind", "typd"),
        ("modle", "x"),
    ],
)
@pytest.mark.parametrize("kind", [SessionFilter, InterceptionFilter])
def test_a_filter_refuses_fields_of_another_type(kind: Any, field: str, value: object) -> None:
    with pytest.raises(WrongArgument, match=rf"^{field}: ") as caught:
        kind(**{field: value})
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("timeout", "5"),
        ("timeout", True),
        ("timeout", -1),
        ("timeout", float("nan")),
        ("retries", "2"),
        ("retries", -1),
        ("max_retry_after", None),
        ("headers", ["a"]),
        ("headers", {"a b": "c"}),
        ("url", 5),
        ("token", b"secret"),
        ("transport", "x"),
        ("http_client", object()),
        ("sleep", 5),
        ("retrys", 5),
    ],
)
def test_an_option_of_another_type_is_refused_where_the_client_is_made(
    clients: Clients, option: str, value: Any
) -> None:
    with pytest.raises(WrongArgument, match=rf"^{option}: ") as caught:
        clients.kind(**{"url": URL, "token": TOKEN, option: value})
    assert "secret" not in repr(caught.value)


def test_a_generator_and_members_of_enums_are_taken(clients: Clients) -> None:
    bodies: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        return httpx.Response(400, json={"message": "No."})

    for roles in ((role for role in ["owner"]), {SiteRole.OWNER}, ("owner",)):
        with pytest.raises(Exception, match="No"):
            clients.use(answer, "set_user_roles", "ana", roles)
    assert bodies == [b'{"roles":["owner"]}'] * 3


def knows_the_words(client: Client) -> None:
    """Only a type checker reads this: it finds the typos, each of which needs its comment."""
    client.create_user("ana", roles=["owner", SiteRole.AUDITOR])
    client.create_user("ana", roles=["ownr"])  # type: ignore[list-item]
    client.create_token(scopes=["read", "admn"])  # type: ignore[list-item]
    SessionFilter(kind="typed")
    SessionFilter(kind="typd")  # type: ignore[arg-type]
    client.create_token(lifetime=timedelta(days=1))
    roles: list[RoleName] = ["owner"]
    scopes: tuple[ScopeName, ...] = ("read",)
    kind: PromptKind = "subagent"
    client.create_user("ana", roles=roles)
    client.create_token(scopes=scopes)
    InterceptionFilter(kind=kind)


@checked
def add(one: int, *, other: int = 0) -> int:
    return one + other


@pytest.mark.parametrize(
    ("arguments", "options", "name"),
    [
        (("1",), {}, "one"),
        ((), {"one": "1"}, "one"),
        ((1,), {"other": "2"}, "other"),
        ((1,), {"third": 3}, "third"),
        ((), {}, "one"),
    ],
)
def test_an_argument_is_named_however_it_is_given(arguments: Any, options: Any, name: str) -> None:
    assert add(1, other=2) == add(one=1, other=2) == 3
    with pytest.raises(WrongArgument, match=rf"^{name}: "):
        add(*arguments, **options)


@pytest.mark.parametrize(
    ("kind", "arguments", "options", "text"),
    [
        (SessionFilter, (), {"modle": "x"}, "modle: it is unknown; did you mean model?"),
        (Client, (URL, TOKEN), {"retry": 0}, "retry: it is unknown; did you mean retries?"),
        (Client, (), {"zzz": URL}, "zzz: it is unknown"),
        (Client, (URL, TOKEN, URL), {}, "there is no argument in this place"),
    ],
)
def test_an_argument_that_there_is_not_is_told_with_what_it_may_mean(
    kind: Any, arguments: Any, options: Any, text: str
) -> None:
    with pytest.raises(WrongArgument, match=re.escape(text)):
        kind(*arguments, **options)


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("get_user", ("a" * 70_000,)),
        ("list_users", ("q" * 90_000,)),
        ("get_group", ("g" * 90_000,)),
    ],
)
def test_what_is_too_long_to_be_sent_is_a_wrong_argument(
    clients: Clients, method: str, arguments: tuple[str, ...]
) -> None:
    with pytest.raises(WrongArgument, match="too long to be sent"):
        clients.use(lambda _: httpx.Response(404), method, *arguments)
