"""Which headers pass: everything, but for those of one connection and those that are ours."""

import pytest

from aibridge.gateway.forwarding import forwarded_headers
from aibridge.providers.types import TYPES
from tests.bridge import KEY, ROUTES
from tests.gateway import samples
from tests.wire import Caller, ask, reply

ENGINES = ("sqlite",)
"""What is tested here does not depend on the engine."""

MODELS = "/api/v2/aibridge/anthropic/v1/models"

PASS_UP = [
    ("accept", "text/event-stream"),
    ("accept-encoding", "gzip, br;q=0.5"),
    ("accept-language", "*"),
    ("anthropic-beta", "claude-code-20250219,interleaved-thinking-2025-05-14"),
    ("anthropic-dangerous-direct-browser-access", "true"),
    ("anthropic-version", "2023-06-01"),
    ("content-type", "application/json"),
    ("copilot-integration-id", "vscode-chat"),
    ("editor-version", "vscode/1.99.0"),
    ("http-referer", "https://cline.bot"),
    ("idempotency-key", "stainless-python-retry-1"),
    ("openai-beta", "responses=experimental"),
    ("originator", "codex_cli_rs"),
    ("session_id", "0199"),
    ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ("user-agent", "claude-cli/2.0.14 (external, cli)"),
    ("x-app", "cli"),
    ("x-claude-code-session-id", "s-1"),
    ("x-request-id", "mine"),
    ("x-stainless-retry-count", "0"),
    ("x-empty", ""),
    ("x-unknown-header", "any  value,\twith \xe4\xff in it"),
]
NOT_UP = [
    ("connection", "keep-alive, x-named, X-Also-Named"),
    ("x-named", "1"),
    ("x-also-named", "1"),
    ("keep-alive", "timeout=5"),
    ("proxy-authorization", "Basic xyz"),
    ("proxy-connection", "keep-alive"),
    ("te", "trailers"),
    ("trailer", "x"),
    ("cookie", "session=secret"),
    ("expect", "100-continue"),
    ("forwarded", "for=10.0.0.1"),
    ("via", "1.1 proxy"),
    ("x-real-ip", "10.0.0.1"),
    ("x-forwarded-for", "10.0.0.1"),
    ("x-forwarded-host", "inside"),
    ("x-forwarded-proto", "http"),
    ("x-forwarded-port", "1"),
    ("x-forwarded-whatever", "1"),
    ("anthropic-workspace-id", "w"),
    ("coder-session-token", "secret"),
    ("x-coder-agent-firewall-session-id", "1"),
    ("x-coder-ai-governance-request-id", "1"),
    ("x-ai-bridge-actor-id", "somebody"),
    ("x-ai-bridge-annotations", '{"repo":"acme/secret"}'),
]
PASS_DOWN = [
    ("content-type", "application/json; charset=utf-8"),
    ("date", "Tue, 15 Nov 1994 08:12:31 GMT"),
    ("server", "provider/1"),
    ("cache-control", "no-cache"),
    ("etag", 'W/"1"'),
    ("vary", "Accept-Encoding"),
    ("request-id", "req_1"),
    ("x-request-id", "req_1"),
    ("retry-after", "7"),
    ("retry-after-ms", "7000"),
    ("x-should-retry", "false"),
    ("openai-processing-ms", "12"),
    ("anthropic-ratelimit-tokens-remaining", "1"),
    ("x-ratelimit-remaining-requests", "9999"),
    ("cf-ray", "1"),
    ("warning", '199 - "x"'),
    ("location", "/elsewhere"),
    ("www-authenticate", "Bearer"),
    ("x-empty", ""),
    ("x-unknown", "any  value,\twith \xe4\xff in it"),
]
NOT_DOWN = [
    ("connection", "keep-alive, x-named"),
    ("x-named", "1"),
    ("keep-alive", "timeout=5"),
    ("proxy-authenticate", "Basic"),
    ("set-cookie", "__cf_bm=1"),
    ("trailer", "x"),
    ("upgrade", "h2c"),
]


def raw(headers):
    return [(name.encode(), value.encode("latin-1")) for name, value in headers]


CHOICES = [
    "anthropic-workspace-id",
    "anthropic-organization-id",
    "chatgpt-account-id",
    "helicone-target-url",
    "openai-organization",
    "OpenAI-Project",
    "openai_project",
    "x-goog-user-project",
    "x-organization-uuid",
    "x-portkey-custom-host",
]
"""Headers that choose an account."""
CREDENTIALS = [
    "api_key",
    "cf-access-client-id",
    "cf-access-client-secret",
    "cf-aig-authorization",
    "Helicone-Auth",
    "job-token",
    "ocp-apim-subscription-key",
    "private-token",
    "proxy_authorization",
    "token",
    "x-amz-security-token",
    "X_Api_Key",
    "x-auth-key",
    "x-bf-vk",
    "x-functions-key",
    "x-goog-api-key",
    "x-goog-iap-jwt-assertion",
    "x-litellm-api-key",
    "x-ms-client-secret",
    "x-portkey-virtual-key",
    "x-serverless-authorization",
    "x-vault-token",
    "x-vercel-oidc-token",
]
"""Headers that carry a credential for one server or another."""
NO_CREDENTIALS = [
    "idempotency-key",
    "max-tokens",
    "session_id",
    "x-author",
    "x-cache-key",
    "x-tokens",
    "x-mux-workspace-id",
]
"""Headers whose names are only similar."""


def forwarded(names, accounts):
    headers = [(name.lower().encode(), b"v") for name in names]
    kept = forwarded_headers(headers, b"token", accounts)
    return [name.decode() for name, _ in kept]


@pytest.mark.parametrize("kind", TYPES.values(), ids=lambda kind: kind.name)
def test_with_a_configured_key_no_account_is_chosen_and_no_credential_added(kind):
    assert forwarded([*CHOICES, *CREDENTIALS, *NO_CREDENTIALS], kind.accounts) == NO_CREDENTIALS


def test_an_unknown_kind_of_server_may_call_it_otherwise():
    names = ["x-org-id", "x-tenant-id", "x-y"]
    assert forwarded(names, TYPES["openai-compat"].accounts) == ["x-y"]
    assert forwarded(names, TYPES["openai"].accounts) == names


def test_with_an_own_credential_everything_passes():
    names = [*CHOICES, *CREDENTIALS, *NO_CREDENTIALS]
    assert forwarded(names, None) == [name.lower() for name in names]


@pytest.mark.parametrize("name", ["anthropic", "openai"])
def test_who_brings_a_credential_chooses_the_account(wire, bridge, name):
    choices = [(header.lower(), "mine") for header in CHOICES]
    own = [("x-ai-bridge-token", bridge.token), ("x-api-key", "own")]
    target = f"/api/v2/aibridge/{name}/v1/models"
    ask(bridge.url, target, method="GET", headers=raw([*choices, *own]))
    bridge.ask(target, method="GET", headers=raw(choices))
    first, second = wire.requests
    assert first.headers[1:] == raw([*choices, ("x-api-key", "own")])
    assert len(second.headers) == 2


def get(bridge, *headers, target=MODELS):
    return bridge.ask(target, method="GET", headers=raw(headers))


def test_the_provider_gets_the_clients_headers_in_their_order(wire, bridge):
    get(bridge, *PASS_UP)
    assert wire.requests[0].headers == [
        (b"host", f"127.0.0.1:{wire.port}".encode()),
        *raw(PASS_UP),
        (b"x-api-key", KEY.encode()),
    ]


@pytest.mark.parametrize("header", NOT_UP, ids=lambda header: header[0])
def test_the_provider_does_not_get(wire, bridge, header):
    more = [] if header[0] == "connection" else [("connection", "x-named, x-also-named")]
    get(bridge, header, *more, ("x-kept", "1"))
    names = [name for name, _ in wire.requests[0].headers]
    assert names == [b"host", b"x-kept", b"x-api-key"]


def test_nothing_is_added_to_what_the_client_sent(wire, bridge):
    wire.play(reply(samples.WHOLE["messages"]))
    bridge.ask(ROUTES["messages"], body=b"{}")
    assert [name for name, _ in wire.requests[0].headers] == [
        b"host",
        b"x-api-key",
        b"content-length",
    ]


def test_headers_that_repeat_stay_as_they_are(wire, bridge):
    twice = [("anthropic-beta", "a,b"), ("x-other", "1"), ("anthropic-beta", "c")]
    get(bridge, *twice)
    assert wire.requests[0].headers[1:-1] == raw(twice)


@pytest.mark.parametrize(
    "query",
    ["", "?beta=true", "?a=1&a=2&b=%2F%20&c", "?q=%F0%9F%98%80+x", "?a=/../b//c", "?x=?y"],
)
def test_queries_pass_as_they_are(wire, bridge, query):
    get(bridge, target=MODELS + query)
    assert wire.requests[0].line == f"GET /v1/models{query} HTTP/1.1".encode()


def test_the_client_gets_the_providers_headers_in_their_order(wire, bridge):
    wire.play(reply(b"{}", headers=PASS_DOWN, kind="text/plain"))
    got = get(bridge)
    assert got.headers == raw([("content-type", "text/plain"), ("content-length", "2"), *PASS_DOWN])


@pytest.mark.parametrize("theirs", [[], [("x-request-id", "theirs")]])
def test_what_a_provider_answers_is_given_no_id_of_the_api(wire, bridge, theirs):
    wire.play(reply(b"{}", headers=theirs))
    answer = get(bridge, ("x-request-id", "mine"))
    assert answer.values(b"x-request-id") == [value.encode() for _, value in theirs]


@pytest.mark.parametrize("header", NOT_DOWN, ids=lambda header: header[0])
def test_the_client_does_not_get(wire, bridge, header):
    more = [] if header[0] == "connection" else [("connection", "x-named")]
    wire.play(reply(b"{}", headers=[header, *more, ("x-kept", "1")]))
    names = [name for name, _ in get(bridge).headers]
    assert names == [b"content-type", b"content-length", b"x-kept"]


def test_answer_headers_that_repeat_stay_as_they_are(wire, bridge):
    twice = [("link", "<a>"), ("x-other", "1"), ("link", "<b>")]
    wire.play(reply(b"{}", headers=twice))
    assert get(bridge).headers[2:] == raw(twice)


@pytest.mark.parametrize("dialect", samples.DIALECTS)
def test_recorded_routes_pass_headers_in_the_same_way(wire, bridge, dialect):
    wire.play(reply(b"{}", status="429 Too Many Requests", headers=PASS_DOWN))
    got = bridge.post(dialect, {}, *PASS_UP)
    assert got.status == 429
    assert got.headers[2:] == raw(PASS_DOWN)
    assert wire.requests[0].headers[1:-2] == raw(PASS_UP)


def test_a_client_that_expects_it_is_told_to_go_on(wire, bridge):
    wire.play(reply(samples.WHOLE["messages"]))
    with Caller(bridge.url) as caller:
        connection = caller._connection
        connection.putrequest("POST", ROUTES["messages"], skip_accept_encoding=True)
        for name, value in bridge.headers(("expect", "100-continue"), ("content-length", "2")):
            connection.putheader(name, value)
        connection.endheaders()
        interim = caller.socket.recv(100)
        assert interim.startswith(b"HTTP/1.1 100")
        caller.socket.sendall(b"{}")
        assert caller.answer().status == 200
    assert wire.requests[0].body == b"{}"
