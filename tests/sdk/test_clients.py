import inspect
import subprocess
import sys
import traceback
from enum import Enum
from importlib.resources import files
from typing import Any, assert_type, get_args

import httpx
import pytest

import aibridge
from aibridge import sdk
from aibridge.contract import CreatedToken, GroupDetail, Model, User
from aibridge.sdk import AsyncClient, Client, ConnectionFailed, Misconfigured, SessionFilter
from tests.sdk.conftest import TOKEN, Clients

CONTEXT = {"__enter__", "__exit__", "__aenter__", "__aexit__", "close", "aclose"}


def test_the_public_names_are_those_listed() -> None:
    listed = {
        name
        for name, value in vars(sdk).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert sorted(sdk.__all__) == sdk.__all__
    assert set(sdk.__all__) == listed


def test_every_name_of_the_sdk_is_at_the_top_level() -> None:
    assert set(aibridge.__all__) == {*sdk.__all__, "__version__"}
    for name in sdk.__all__:
        assert getattr(aibridge, name) is getattr(sdk, name)
    assert set(aibridge.__all__) <= set(dir(aibridge))
    assert not hasattr(aibridge, "Cleint")


def test_every_model_that_a_method_answers_with_is_at_the_top_level() -> None:
    answered = [signature.return_annotation for signature in methods(Client).values()]
    found = {model for answer in answered for model in models_of(answer)}
    assert {"Session", "Thread", "AgenticAction", "Role", "AuditDiffField"} <= {
        model.__name__ for model in found
    }
    assert {model.__name__ for model in found} <= set(aibridge.__all__)


def models_of(annotation: Any) -> set[type[Model | Enum]]:
    """Return the models and enums that an annotation names, and those in their fields."""
    if not isinstance(annotation, type) or get_args(annotation):
        return {model for inner in get_args(annotation) for model in models_of(inner)}
    if issubclass(annotation, Model):
        fields = annotation.model_fields.values()
        return {annotation, *(model for one in fields for model in models_of(one.annotation))}
    return {annotation} if issubclass(annotation, Enum) else set()


def test_a_type_checker_knows_the_names_of_the_top_level() -> None:
    """The assertions hold for a type checker alone: it would take them for `object` otherwise."""
    assert_type(aibridge.SessionFilter(model="m"), SessionFilter)
    error: type[aibridge.ApiError] = aibridge.NotFound
    assert issubclass(error, aibridge.AIBridgeError)
    with pytest.raises(AttributeError, match="Cleint"):
        aibridge.Cleint  # type: ignore[attr-defined]  # noqa: B018


def methods(kind: type) -> dict[str, inspect.Signature]:
    found = inspect.getmembers(kind, inspect.isroutine)
    public = {name: value for name, value in found if not name.startswith("_")}
    return {name: inspect.signature(value) for name, value in public.items()}


def shared(signature: inspect.Signature) -> list[inspect.Parameter]:
    """Return the parameters beside the options that say how a client connects and waits."""
    return [one for one in signature.parameters.values() if one.name != "options"]


def test_both_clients_have_the_same_methods_with_the_same_texts() -> None:
    one, other = methods(Client), methods(AsyncClient)
    assert one.keys() - CONTEXT == other.keys() - CONTEXT
    for name in one.keys() - CONTEXT:
        assert list(one[name].parameters) == list(other[name].parameters)
        assert shared(one[name]) == shared(other[name])
        assert inspect.getdoc(getattr(Client, name)) == inspect.getdoc(getattr(AsyncClient, name))


def knows_its_types(client: Client) -> None:
    """Only a type checker reads this, and the next."""
    assert_type(client.get_user(), User)
    assert_type(client.create_token(), CreatedToken)
    assert_type(client.delete_token("t"), None)
    assert_type(list(client.iter_users()), list[User])
    assert_type(client.list_groups(), list[GroupDetail])
    assert_type(Client.login("a", "b"), Client)


async def knows_its_types_too(client: AsyncClient) -> None:
    assert_type(await client.get_user(), User)
    assert_type(await client.create_token(), CreatedToken)
    assert_type(await client.delete_token("t"), None)
    assert_type([user async for user in client.iter_users()], list[User])
    assert_type(await client.list_groups(), list[GroupDetail])
    assert_type(await AsyncClient.login("a", "b"), AsyncClient)


def options(kind: type) -> list[str]:
    return list(inspect.signature(kind).parameters)


def test_both_clients_are_made_in_the_same_way() -> None:
    assert options(Client) == options(AsyncClient)


def loaded(code: str) -> set[str]:
    """Return the modules that a fresh Python has after running ``code``."""
    code += "\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    return set(done.stdout.split())


def test_the_sdk_needs_neither_server_nor_database() -> None:
    modules = loaded("import aibridge\naibridge.Client(token='t').close()\naibridge.AsyncClient")
    ours = {name.split(".")[1] for name in modules if name.startswith("aibridge.")}
    assert ours == {"contract", "sdk"}
    heavy = {"uvicorn", "fastapi", "starlette", "sqlalchemy", "alembic", "uvloop", "typer"}
    assert not heavy & modules


def test_importing_the_package_imports_neither_httpx_nor_pydantic() -> None:
    modules = loaded("import aibridge\naibridge.__version__\ndir(aibridge)")
    assert not {"httpx", "pydantic", "aibridge.sdk"} & modules


def test_the_package_says_that_it_is_typed() -> None:
    assert files("aibridge").joinpath("py.typed").is_file()


def test_the_environment_says_where_and_who(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIBRIDGE_URL", "https://bridge.example:8443")
    monkeypatch.setenv("AIBRIDGE_TOKEN", "from-environment")
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json=[])

    transport = httpx.MockTransport(answer)
    clients.open({"transport": transport}, "list_models")
    own = {"url": "http://other", "token": "given", "transport": transport}
    clients.open(own, "list_models")
    found = [
        (one.url.scheme, one.url.netloc, one.headers["coder-session-token"]) for one in requests
    ]
    assert found == [
        ("https", b"bridge.example:8443", "from-environment"),
        ("http", b"other", "given"),
    ]


def test_without_a_url_the_bridge_is_on_this_machine(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "http://127.0.0.1:4000" in repr(clients.kind(token=TOKEN))
    monkeypatch.setenv("AIBRIDGE_URL", "")
    assert "http://127.0.0.1:4000" in repr(clients.kind(token=TOKEN))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "bridge",
        "bridge:4000",
        "ftp://bridge",
        "http://",
        "http://a\nb",
        "http://a/?b=c",
        "http://a#b",
    ],
)
def test_a_url_that_is_none_is_refused(clients: Clients, url: str) -> None:
    with pytest.raises(Misconfigured, match="URL"):
        clients.kind(url, TOKEN)


@pytest.mark.parametrize("url", ["http://u:hunter2/x@bridge", "http://u:hunter2\n@bridge"])
def test_a_url_that_is_none_is_refused_without_its_password(clients: Clients, url: str) -> None:
    with pytest.raises(Misconfigured, match="percent-encoded") as caught:
        clients.kind(url, TOKEN)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("token", [None, "", "a\nb", "a b", "tök", "a\x00"])
def test_a_token_that_is_none_is_refused_and_not_repeated(
    clients: Clients, token: str | None
) -> None:
    with pytest.raises(Misconfigured, match="token") as caught:
        clients.kind("http://bridge", token)
    assert not token or token not in str(caught.value)


def test_neither_token_nor_password_shows(clients: Clients) -> None:
    def fail(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    own = {"url": "http://user:hunter2@bridge", "token": TOKEN, "retries": 0}
    own["transport"] = httpx.MockTransport(fail)
    with pytest.raises(ConnectionFailed) as caught:
        clients.open(own, "list_models")
    shown = "".join(traceback.format_exception(caught.value))
    shown += repr(clients.kind("http://user:hunter2@bridge", TOKEN)) + repr(caught.value)
    assert TOKEN not in shown
    assert "hunter2" not in shown


def test_a_closed_client_is_not_to_be_used() -> None:
    with Client("http://bridge", TOKEN) as client:
        pass
    with pytest.raises(RuntimeError, match="closed"):
        client.list_models()
