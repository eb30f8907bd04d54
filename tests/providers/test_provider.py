import copy
import dataclasses
import pickle
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from aibridge.providers.provider import BaseURL, Provider, Secret, credential_hint
from aibridge.providers.routes import Route, read_opened
from aibridge.providers.settings import ProviderSettings
from aibridge.providers.types import POST_ONLY, TYPES, Dialect, Method, ProviderType, Stored


def provider(kind: str, base_url: str = "") -> Provider:
    return Provider(kind, TYPES[kind], BaseURL.parse(base_url or TYPES[kind].base_url))


def test_a_secret_never_shows() -> None:
    secret = Secret("sk-1234567890")
    shown = f"{secret} {secret!r} {secret!s:>40} {[secret]} {provider('openai')}"
    assert "sk-" not in shown
    assert secret.reveal() == "sk-1234567890"
    assert (secret == Secret("sk-1234567890"), secret == Secret("x")) == (True, False)
    assert len({secret, Secret("sk-1234567890")}) == 1


@pytest.mark.parametrize("carry", [pickle.dumps, copy.copy])
def test_a_secret_does_not_leave_by_the_side_door(carry: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match="not to be pickled"):
        carry(Secret("x"))


@pytest.mark.parametrize(
    ("secret", "hint"),
    [
        ("", ""),
        ("a", "..."),
        ("abc", "..."),
        ("abcd", "..."),
        ("short", "s...t"),
        ("123456789", "1...9"),
        ("1234567890", "12...90"),
        ("1234567890123456789", "12...89"),
        ("sk-ant-api03-abcdefgh", "sk-a...efgh"),
        ("é" * 5, "é...é"),
        ("😀" * 20, "😀😀😀😀...😀😀😀😀"),
    ],
)
def test_a_hint_shows_little_of_a_credential(secret: str, hint: str) -> None:
    assert credential_hint(secret) == hint


@given(st.text(max_size=60))
def test_a_hint_never_shows_half_of_a_credential(secret: str) -> None:
    hint = credential_hint(secret)
    assert len(hint) <= 11
    assert len(hint.replace("...", "")) * 2 <= max(len(secret), 0) or hint in {"", "..."}


@pytest.mark.parametrize(
    ("text", "expected", "authority"),
    [
        ("https://api.x.com", BaseURL("https", "api.x.com", 443, ""), "api.x.com"),
        ("https://API.X.com/", BaseURL("https", "api.x.com", 443, ""), "api.x.com"),
        ("http://x:8000/v1//", BaseURL("http", "x", 8000, "/v1"), "x:8000"),
        ("http://x:80/a/v1", BaseURL("http", "x", 80, "/a/v1"), "x"),
        ("https://[::1]:9/", BaseURL("https", "::1", 9, ""), "[::1]:9"),
        ("https://[::1]", BaseURL("https", "::1", 443, ""), "[::1]"),
    ],
)
def test_the_parts_of_a_base_url(text: str, expected: BaseURL, authority: str) -> None:
    assert BaseURL.parse(text) == expected
    assert expected.authority == authority


@given(st.text(max_size=40).map("https://x".__add__) | st.text(max_size=40))
def test_a_base_url_is_read_or_refused(text: str) -> None:
    try:
        url = BaseURL.parse(text)
    except ValueError:
        return
    assert url.host
    assert 0 <= url.port <= 65_535
    assert not url.path.endswith("/")


READ = "GET HEAD"
ROUTES = [
    # type, path of the client, path upstream, methods with a configured key, with one's own
    ("anthropic", "/v1/models", "/v1/models", READ, READ),
    ("anthropic", "/v1/models/a", "/v1/models/a", READ, READ),
    ("anthropic", "/v1/messages/count_tokens", "/v1/messages/count_tokens", "POST", "POST"),
    ("anthropic", "/api/event_logging/batch", "/api/event_logging/batch", "POST", "POST"),
    ("openai", "/v1/models", "/models", READ, READ),
    ("openai", "/v1/models/gpt%20x", "/models/gpt%20x", READ, READ),
    ("openai", "/v1/models/gpt-4.1", "/models/gpt-4.1", READ, READ),
    ("openrouter", "/v1/models/a/b/endpoints", "/models/a/b/endpoints", READ, READ),
    ("openai", "/v1/models/", "/models/", READ, READ),
    ("openai", "/v1/responses/input_tokens", "/responses/input_tokens", "POST", "POST"),
    ("copilot", "/responses/input_tokens", "/responses/input_tokens", "POST", "POST"),
    ("copilot", "/.well-known/x", "/.well-known/x", READ, READ),
    ("copilot", "/mcp/readonly", "/mcp/readonly", "", "GET HEAD POST DELETE"),
    ("copilot", "/agents/x/y", "/agents/x/y", "", "GET HEAD POST PUT PATCH DELETE"),
]
R, C = Stored.RESPONSE, Stored.CONVERSATION
STORED = [
    # type, path below the prefix, methods, what is asked for, its id
    ("openai", "/responses/resp_1", "GET HEAD DELETE", R, "resp_1"),
    ("azure", "/responses/a.b~c:d=e", "GET HEAD DELETE", R, "a.b~c:d=e"),
    ("openai", "/responses/r/input_items", READ, R, "r"),
    ("openai", "/responses/r/cancel", "POST", R, "r"),
    ("copilot", "/responses/r/cancel", "POST", R, "r"),
    ("openai", "/conversations/c", "GET HEAD POST DELETE", C, "c"),
    ("openai", "/conversations/c/items", "GET HEAD POST", C, "c"),
    ("openai", "/conversations/c/items/i", "GET HEAD DELETE", C, "c"),
]


@pytest.mark.parametrize(("kind", "path", "methods", "stored", "id_"), STORED)
def test_a_route_says_what_is_asked_for(
    kind: str, path: str, methods: str, stored: Stored, id_: str
) -> None:
    route = provider(kind, TYPES[kind].base_url or "http://x").route(TYPES[kind].prefix + path)
    assert route is not None
    assert (route.path, route.stored, route.stored_id) == (path, stored, id_)
    assert " ".join(route.methods.central) == " ".join(route.methods.own) == methods


@pytest.mark.parametrize(("kind", "path", "upstream", "central", "own"), ROUTES)
def test_a_passed_route_lists_its_methods(
    kind: str, path: str, upstream: str, central: str, own: str
) -> None:
    route = provider(kind, TYPES[kind].base_url or "http://x").route(path)
    assert route is not None
    assert (route.path, route.recorded, route.dialect) == (upstream, None, TYPES[kind].dialect)
    assert " ".join(route.methods.of(own=False)) == central
    assert " ".join(route.methods.of(own=True)) == own


@pytest.mark.parametrize(
    ("kind", "path", "upstream", "dialect"),
    [
        ("anthropic", "/v1/messages", "/v1/messages", Dialect.MESSAGES),
        ("openai", "/v1/responses", "/responses", Dialect.RESPONSES),
        ("openai", "/v1/responses/compact", "/responses/compact", Dialect.RESPONSES),
        ("openai", "/v1/chat/completions", "/chat/completions", Dialect.CHAT),
        ("copilot", "/responses", "/responses", Dialect.RESPONSES),
        ("copilot", "/responses/compact", "/responses/compact", Dialect.RESPONSES),
        ("copilot", "/v1/messages", "/v1/messages", Dialect.MESSAGES),
    ],
)
def test_a_recorded_route_takes_post(kind: str, path: str, upstream: str, dialect: Dialect) -> None:
    assert provider(kind).route(path) == Route(upstream, dialect, dialect, POST_ONLY)


@pytest.mark.parametrize("path", ["/conversations", "/conversations/conv_1/items"])
def test_what_is_added_to_a_conversation_is_recorded_and_calls_no_model(path: str) -> None:
    route = provider("openai").route("/v1" + path)
    assert route is not None
    assert (route.path, route.recorded, route.calls_model) == (path, Dialect.RESPONSES, False)


@pytest.mark.parametrize("kind", TYPES.values(), ids=lambda kind: kind.name)
def test_with_a_configured_key_nothing_is_changed_that_somebody_made(kind: ProviderType) -> None:
    """But by its maker, where the bridge knows who that is."""
    for path, methods in kind.passed.items():
        assert set(methods.central) <= set(methods.own)
        if methods.stored is None:
            assert set(methods.central) <= {*READ.split(), "POST"}
            assert "{id}" not in path


OPENED = [
    # settings, path below the prefix, methods it takes with either key
    ("GET /files", "/files", "GET"),
    ("GET /files/{id}/content", "/files/file-1/content", "GET"),
    ("GET /files/{id}/content", "/files/a/b/content", None),
    ("POST /files/", "/files/a/b", "POST"),
    ("POST /files/", "/files", None),
    ("POST /files/", "/files/%41", None),
    ("POST /files/", "/files/..", None),
    ("DELETE /models/{id}", "/models/ft:gpt-4o:acme::1", "GET HEAD DELETE"),
    ("DELETE /models/{id}", "/models/a/b", READ),
    ("GET /chat/completions", "/chat/completions", "POST GET"),
    ("POST /", "/embeddings", "POST"),
    ("POST /", "/chat/completions/", None),
    ("POST /", "/Chat/Completions", None),
    ("POST /", "/responses/compact/", None),
    ("POST /", "/conversations/c/items/", None),
    ("PUT /", "/embeddings", "PUT"),
]


@pytest.mark.parametrize(("text", "path", "methods"), OPENED)
def test_settings_open_more_routes(text: str, path: str, methods: str | None) -> None:
    opened = dataclasses.replace(provider("openai"), opened=(read_opened(text),))
    route = opened.route("/v1" + path)
    if methods is None:
        assert route is None
        return
    assert route is not None
    assert route.path == path
    assert " ".join(route.methods.central) == " ".join(route.methods.own) == methods
    assert route.recorded is provider("openai").type.recorded.get(path)


def test_what_is_opened_besides_is_still_its_makers() -> None:
    opened = dataclasses.replace(provider("openai"), opened=(read_opened("PATCH /responses/"),))
    route = opened.route("/v1/responses/resp_1")
    assert route is not None
    assert (route.stored, route.stored_id) == (Stored.RESPONSE, "resp_1")
    assert Method.PATCH in route.methods.central


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        ("openai", "/files", "expected one of GET"),
        ("openai", "get /files", "expected one of GET"),
        ("openai", "TRACE /files", "expected one of GET"),
        ("openai", "GET files", "expected a path"),
        ("openai", "GET", "expected a path"),
        ("openai", "GET /files//a", "expected a path"),
        ("openai", "GET /files/../a", "expected a path"),
        ("openai", "GET /files/%41", "expected a path"),
        ("openai", "GET /files/{name}", "expected a path"),
        ("openai", "GET /files?x=1", "expected a path"),
        ("openai", "GET  /files", "expected a path"),
        ("openai", "GET /v1/files", "stand below /v1"),
        ("openai", "GET /v1", "stand below /v1"),
    ],
)
def test_a_route_that_cannot_be_opened_is_refused(kind: str, text: str, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        ProviderSettings.model_validate({"type": kind, "routes": [text]})


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "OPTIONS", "PURGE", "PROPFIND"])
def test_no_route_can_list(method: str) -> None:
    assert method not in list(Method)


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("anthropic", ""),
        ("anthropic", "/"),
        ("anthropic", "/messages"),
        ("anthropic", "/v1/messages/"),
        ("anthropic", "/v1/messages/batches"),
        ("anthropic", "/v1/organizations"),
        ("openai", "/chat/completions"),
        ("openai", "/responses"),
        ("openai", "/v1/v1/responses"),
        ("openai", "/v1/files"),
        ("openai", "/v1/organization/admin_api_keys"),
        ("openai", "/v1/modelsx"),
        ("openai", "/v1/responses/"),
        ("openai", "/v1/responses/%20"),
        ("openai", "/v1/responses/;x"),
        ("openai", "/v1/responses/resp_1;x"),
        ("openai", "/v1/responses/resp_1/"),
        ("openai", "/v1/responses/resp_1/other"),
        ("openai", "/v1/responses/resp%5F1"),
        ("openai", "/v1/responses/compact/"),
        ("openai", "/v1/conversations/"),
        ("openai", "/v1/conversations/c/items/"),
        ("openai", "/v1/conversations/c/other"),
        ("copilot", "/responses/"),
        ("copilot", "/v1/chat/completions"),
    ],
)
def test_what_is_not_listed_is_refused(kind: str, path: str) -> None:
    assert provider(kind).route(path) is None


@pytest.mark.parametrize(
    "rest",
    [
        "../files",
        "a/..",
        "a/../../files",
        "%2e%2e/files",
        "%2E./files",
        ".%2e/files",
        "%2ffiles",
        "a%2f",
        "a%2F%2fb",
        "a%2F/b",
        "a/%2Fb",
        "a%2F..",
        "a%2F..%2f..%2Ffiles",
        "..%2Ffiles",
        "a%2F.%2Fb",
        "a%2F%2e%2e",
        "a%252Ffiles",
        "..%5cfiles",
        "a%5Cb",
        "a\\b",
        "a//b",
        "/b",
        "./b",
        "a/.",
        "%252e%252e/files",
        "%25%32e%25%32e/files",
        "%2525252e/files",
        "%c0%ae%c0%ae/files",
        "%C1%9cfiles",
        "%e0%80%ae%e0%80%ae/files",
        "%u002e%u002e/files",
        "a%",
        "a%2",
        "a%zz",
        "a%00",
        "a%0d%0ab",
        "a%7f",
        "a\rb",
        "a b",
        "a\x7f",
        "é",
        "a?x=1",
        "a#b",
    ],
)
def test_a_path_that_may_mean_another_is_refused(rest: str) -> None:
    assert provider("openai").route("/v1/models/" + rest) is None


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("openai", "/v1/models/openai%2Fgpt-5"),
        ("openai", "/v1/models/openai%2fgpt-5"),
        ("anthropic", "/v1/models/a%2Fb%2Fc"),
        ("copilot", "/models/a%2Fb"),
        ("openrouter", "/v1/models/openai%2Fgpt-5:free/endpoints"),
    ],
)
def test_a_models_id_may_have_an_encoded_slash(kind: str, path: str) -> None:
    route = provider(kind).route(path)
    assert route is not None
    assert TYPES[kind].prefix + route.path == path


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("openai", "/v1/responses/a%2Fb"),
        ("openai", "/v1/conversations/a%2Fitems"),
        ("openai", "/v1%2Fmodels/a"),
        ("openai", "/v1/models%2Fa"),
        ("copilot", "/mcp/a%2Fb"),
        ("copilot", "/agents/models%2Fb"),
        ("copilot", "/agents/models/a%2Fb"),
        ("copilot", "/.well-known/models/a%2Fb"),
        ("anthropic", "/api/event_logging/a%2Fb"),
    ],
)
def test_elsewhere_an_encoded_slash_is_refused(kind: str, path: str) -> None:
    assert provider(kind).route(path) is None


@given(st.text(max_size=40) | st.from_regex(r"[a./%2fF]{1,12}", fullmatch=True))
def test_a_route_never_leaves_its_subtree(rest: str) -> None:
    route = provider("openai").route("/v1/models/" + rest)
    if route is not None:
        assert route.path.startswith("/models/")
        decoded = re.sub("%2f", "/", route.path, flags=re.IGNORECASE)
        assert not re.search(r"\.\.|//|\\|[^\x21-\x7e]|%2e", decoded, re.IGNORECASE)


@pytest.mark.parametrize(
    ("kind", "base_url", "path", "target"),
    [
        ("openai", "", "/v1/responses", "/v1/responses"),
        ("openai-compat", "http://x/api/v1/", "/v1/chat/completions", "/api/v1/chat/completions"),
        ("openai-compat", "http://x", "/v1/chat/completions", "/chat/completions"),
        ("openai", "https://chatgpt.com/backend-api/codex", "/v1/responses/a", None),
        ("anthropic", "", "/v1/messages", "/v1/messages"),
        ("anthropic", "https://x/anthropic/", "/v1/messages", "/anthropic/v1/messages"),
        ("google", "", "/v1/chat/completions", "/v1beta/openai/chat/completions"),
    ],
)
def test_the_base_path_stands_in_front_once(
    kind: str, base_url: str, path: str, target: str | None
) -> None:
    upstream = provider(kind, base_url)
    route = upstream.route(path)
    assert route is not None
    assert upstream.target(route) == (target or "/backend-api/codex/responses/a")


@pytest.mark.parametrize("kind", TYPES)
def test_every_path_of_every_type_is_reached(kind: str) -> None:
    upstream = provider(kind, TYPES[kind].base_url or "http://x")
    for pattern in (*TYPES[kind].recorded, *TYPES[kind].passed):
        path = pattern.replace("{id}", "id-1")
        route = upstream.route(TYPES[kind].prefix + path)
        assert route is not None
        assert route.path == path
        assert route.recorded is TYPES[kind].recorded.get(pattern)


def test_a_provider_of_settings() -> None:
    settings = ProviderSettings.model_validate(
        {
            "type": "openai",
            "name": "fast",
            "api_keys": ["sk-1"],
            "ask_for_usage": False,
            "routes": ["GET /files"],
            "allow_foreign_ids": True,
        }
    )
    made = Provider.from_settings(settings)
    assert (made.name, made.type, made.ask_for_usage) == ("fast", TYPES["openai"], False)
    assert made.keys == (Secret("sk-1"),)
    assert (made.opened, made.allow_foreign_ids) == (((Method.GET, "/files"),), True)
    assert made.base_url == BaseURL("https", "api.openai.com", 443, "/v1")


@pytest.mark.parametrize("host", ["", "a/b", "https://a", "a:x", "a b", "u@a", "a/", "a?b", "é"])
def test_a_host_of_redirects_is_a_host(host: str) -> None:
    with pytest.raises(ValueError, match="expected hosts, each HOST or HOST:PORT"):
        ProviderSettings.model_validate({"type": "openai", "redirect_hosts": [host]})


def test_hosts_of_redirects_are_compared_in_lower_case() -> None:
    hosts = ["EU.Example.com", "10.0.0.1:8443", "[::1]:9"]
    settings = ProviderSettings.model_validate({"type": "openai", "redirect_hosts": hosts})
    found = Provider.from_settings(settings).redirect_hosts
    assert found == {"eu.example.com", "10.0.0.1:8443", "[::1]:9"}
