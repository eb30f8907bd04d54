"""Where a token may stand, what the provider is paid with, and what nobody ever sees."""

import base64
import json
import logging

import pytest
from structlog.testing import capture_logs

from tests import bridge as bridges
from tests.bridge import KEY, ROUTES
from tests.gateway import samples
from tests.wire import Then, ask, reply

ENGINES = ("sqlite",)
"""What is tested here does not depend on the engine."""

CREDENTIALS = (
    b"authorization",
    b"x-api-key",
    b"api-key",
    b"x-goog-api-key",
    b"x-ai-bridge-token",
    b"cookie",
)
CHAT = {
    "openai": "/api/v2/aibridge/openai/v1/chat/completions",
    "azure": "/api/v2/aibridge/azure/v1/chat/completions",
    "copilot": "/api/v2/aibridge/copilot/chat/completions",
}


MODELS = "/api/v2/aibridge/openai/v1/models"
SECOND = "abcdefghij-ABCDEFGHIJKLMNOPQRSTUV"
"""What could be a token of somebody."""


def shown(received):
    """Return every header of a request that could hold a credential."""
    return [(name, value) for name, value in received.headers if name in CREDENTIALS]


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("authorization", "Bearer {}"),
        ("authorization", "bearer {}"),
        ("authorization", "Bearer  {} "),
        ("x-api-key", "{}"),
        ("api-key", "{}"),
        ("x-goog-api-key", "{}"),
    ],
)
@pytest.mark.parametrize("prefix", ["aibridge", "ai-gateway"])
def test_the_token_stands_where_agents_put_a_key(wire, bridge, prefix, name, form):
    target = ROUTES["messages"].replace("aibridge", prefix)
    answer = ask(bridge.url, target, headers=[(name, form.format(bridge.token))], body=b"{}")
    assert answer.status == 200
    assert shown(wire.requests[0]) == [(b"x-api-key", KEY.encode())]
    record = bridge.record()
    assert record.initiator_id == bridge.user.id
    assert record.api_key_id == bridge.token[:10]
    assert (record.credential_kind, record.credential_hint) == ("centralized", "sk-p...6789")
    assert record.route == "/v1/messages"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (ROUTES["messages"], (b"x-api-key", KEY.encode())),
        (ROUTES["responses"], (b"authorization", b"Bearer " + KEY.encode())),
        (CHAT["openai"], (b"authorization", b"Bearer " + KEY.encode())),
        (CHAT["azure"], (b"api-key", KEY.encode())),
    ],
)
def test_each_provider_gets_its_key_in_its_own_header(wire, bridge, target, expected):
    bridge.ask(target, body=b"{}", headers=[("x-api-key", "another"), ("api-key", "third")])
    assert shown(wire.requests[0]) == [expected]


@pytest.mark.parametrize("header", ["x-ai-bridge-token", "x-coder-ai-governance-token"])
@pytest.mark.parametrize(
    ("own", "hint"),
    [
        ([("authorization", "Bearer sk-ant-oat01-own-credential")], "sk-a...tial"),
        ([("x-api-key", "sk-ant-api03-own-credential")], "sk-a...tial"),
        ([("api-key", "own-azure")], "o...e"),
        ([("x-goog-api-key", "AIza-own-credential")], "AI...al"),
        ([("authorization", "Bearer oauth"), ("x-api-key", "key-of-mine")], "ke...ne"),
        ([("authorization", "Bearer  spaced")], "s...d"),
        ([("authorization", "token gho_whatever-this-is")], "toke...s-is"),
    ],
)
def test_an_own_credential_passes_unchanged(wire, bridge, header, own, hint):
    headers = [(header, bridge.token), *own]
    for target in (ROUTES["messages"], CHAT["copilot"]):
        bridge.forget()
        wire.forget()
        assert ask(bridge.url, target, headers=headers, body=b"{}").status == 200
        assert shown(wire.requests[0]) == [(name.encode(), value.encode()) for name, value in own]
        record = bridge.record()
        assert (record.credential_kind, record.credential_hint) == ("byok", hint)
        assert record.initiator_id == bridge.user.id


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "{}"])
def test_the_bridges_token_never_reaches_a_provider(wire, bridge, form):
    """Not even where it stands twice, beside a credential of the caller's own."""
    token = form.format(bridge.token)
    headers = [
        ("x-ai-bridge-token", bridge.token),
        ("authorization", token),
        ("x-api-key", "sk-own-credential"),
        ("cookie", f"token={bridge.token}"),
        ("x-coder-ai-governance-token", bridge.token),
    ]
    assert ask(bridge.url, ROUTES["messages"], headers=headers, body=b"{}").status == 200
    (received,) = wire.requests
    assert shown(received) == [(b"x-api-key", b"sk-own-credential")]
    assert bridge.token.encode() not in received.head


def test_a_token_twice_and_no_credential_is_refused(wire, bridge):
    headers = [("x-ai-bridge-token", bridge.token), ("x-api-key", bridge.token)]
    assert ask(bridge.url, ROUTES["messages"], headers=headers, body=b"{}").status == 401
    assert not wire.requests


def basic(text):
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("which", ["the caller's", "another"])
@pytest.mark.parametrize(
    "name", ["authorization", "x-api-key", "api-key", "x-goog-api-key", "x-litellm-api-key"]
)
@pytest.mark.parametrize("form", ["{}", "Bearer {}", "token {}", "{}, x", "Basic", "Basic user"])
def test_no_token_of_the_bridge_goes_out_as_a_credential(wire, bridge, own, which, name, form):
    token = bridge.token if which == "the caller's" else SECOND
    if form.startswith("Basic"):
        value = basic(f"user:{token}" if form.endswith("user") else f"{token}:")
    else:
        value = form.format(token)
    headers = [("x-ai-bridge-token" if own else "x-api-key", bridge.token), (name, value)]
    if name == "authorization" and not own:
        headers.pop()  # it would be who calls
    if own:
        headers.append(("x-api-key" if name != "x-api-key" else "api-key", "sk-own"))
    answer = ask(bridge.url, ROUTES["messages"], headers=headers, body=b"{}")
    calls_as_another = not own and name == "x-api-key" and value != bridge.token
    assert answer.status == (401 if calls_as_another else 200)
    for received in wire.requests:
        assert token.encode() not in received.head
        assert value.encode() not in received.head


@pytest.mark.parametrize("form", ["sk-{}", "{}-x", "Bearer sk-proj-{}"])
def test_the_callers_token_does_not_go_out_within_a_credential_of_their_own(wire, bridge, form):
    headers = [("x-ai-bridge-token", bridge.token), ("x-api-key", form.format(bridge.token))]
    answer = ask(bridge.url, ROUTES["messages"], headers=headers, body=b"{}")
    assert answer.status == 401
    assert not wire.requests


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("form", ["{}", "say {}", "a={}; b", "basic"])
def test_the_callers_token_goes_out_in_no_header(wire, bridge, own, form):
    value = basic(f"x:{bridge.token}") if form == "basic" else form.format(bridge.token)
    key = [("authorization", "Bearer own")] if own else []
    named = "x-ai-bridge-token" if own else "x-api-key"
    headers = [(named, bridge.token), ("user-agent", value), ("x-any", value), *key]
    assert ask(bridge.url, MODELS, method="GET", headers=headers).status == 200
    (received,) = wire.requests
    assert value.encode() not in received.head
    assert b"x-any" not in received.head


@pytest.mark.parametrize("own", [False, True])
def test_what_only_looks_like_a_token_passes_in_a_header_that_carries_none(wire, bridge, own):
    key = [("authorization", "Bearer sk-proj-0123456789-0123456789012345678901")] if own else []
    named = "x-ai-bridge-token" if own else "x-api-key"
    others = [("x-session-id", SECOND), ("traceparent", f"00-{SECOND}-01"), ("x-y", f"a {SECOND}")]
    headers = [(named, bridge.token), *others, *key]
    assert ask(bridge.url, MODELS, method="GET", headers=headers).status == 200
    (received,) = wire.requests
    sent = [(name.encode(), value.encode()) for name, value in others]
    assert received.headers[1:-1] == sent
    if own:
        assert shown(received) == [(b"authorization", key[0][1].encode())]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("/models?key={token}", "An AI Bridge token stands in the URL"),
        ("/models?a=b&anything={other}", "An AI Bridge token stands in the URL"),
        ("/models?{other}", "An AI Bridge token stands in the URL"),
        ("/models?a=Bearer%20{other}", "An AI Bridge token stands in the URL"),
        ("/models?a=%{first:02x}{rest}", "An AI Bridge token stands in the URL"),
        ("/models/{other}", "An AI Bridge token stands in the URL"),
        ("/models/{token}", "An AI Bridge token stands in the URL"),
        ("/models/%{first:02x}{rest}", "An AI Bridge token stands in the URL"),
    ],
)
@pytest.mark.parametrize("own", [False, True])
def test_no_token_of_the_bridge_goes_out_in_the_url(wire, bridge, own, url, told):
    token = bridge.token
    path = url.format(token=token, other=SECOND, first=ord(token[0]), rest=token[1:])
    key = [("authorization", "Bearer own")] if own else []
    headers = [("x-ai-bridge-token" if own else "x-api-key", token), *key]
    answer = ask(bridge.url, f"{MODELS[:-7]}{path}", method="GET", headers=headers)
    assert answer.status == 400
    error = json.loads(answer.body)["error"]
    assert error["message"].startswith(told)
    assert error["type"] == "invalid_request_error"
    assert not wire.requests


@pytest.mark.parametrize(
    "query", ["key=x", "a=1&api_key=x", "a;access_token=x", "%6Bey=x", "KEY", "openai-project=p"]
)
def test_with_a_configured_key_the_query_brings_no_other(wire, bridge, query):
    answer = bridge.ask(f"{MODELS}?{query}", method="GET")
    assert answer.status == 400
    assert "is not passed in the query" in json.loads(answer.body)["error"]["message"]
    assert not wire.requests
    own = [("x-ai-bridge-token", bridge.token), ("authorization", "Bearer own")]
    assert ask(bridge.url, f"{MODELS}?{query}", method="GET", headers=own).status == 200


@pytest.mark.parametrize(
    "query", ["beta=true", "after=key", "page_token=x", "limit=2&order=asc", "keys=1", "a=token"]
)
def test_other_queries_pass(wire, bridge, query):
    assert bridge.ask(f"{MODELS}?{query}", method="GET").status == 200
    assert wire.requests[0].line == f"GET /v1/models?{query} HTTP/1.1".encode()


def test_passed_routes_are_paid_for_in_the_same_way(wire, bridge):
    models = "/api/v2/aibridge/openai/v1/models"
    assert bridge.ask(models, method="GET").status == 200
    own = [("x-ai-bridge-token", bridge.token), ("authorization", "Bearer own")]
    assert ask(bridge.url, models, method="GET", headers=own).status == 200
    assert [shown(received) for received in wire.requests] == [
        [(b"authorization", b"Bearer " + KEY.encode())],
        [(b"authorization", b"Bearer own")],
    ]


def test_two_people_are_told_apart(wire, bridge):
    other = bridge.add_user("bea")
    for token in (bridge.token, other):
        ask(bridge.url, ROUTES["chat"], headers=[("x-api-key", token)], body=b"{}")
    first, second = bridge.records()
    assert first.initiator_id == bridge.user.id
    assert second.initiator_id != first.initiator_id
    assert second.api_key_id == other[:10]


def test_the_first_of_several_keys_pays(wire, tmp_path):
    providers = [{"type": "openai", "base_url": wire.url, "api_keys": ["sk-first", "sk-second"]}]
    with bridges.serve(tmp_path, providers) as bridge:
        bridge.ask("/api/v2/aibridge/openai/v1/models", method="GET")
    assert shown(wire.requests[0]) == [(b"authorization", b"Bearer sk-first")]


def test_secrets_show_nowhere(wire, bridge, caplog, capfd, monkeypatch):
    """Not in the record, a log or an error, whatever goes wrong on the way."""
    caplog.set_level(logging.DEBUG)
    own = "sk-ant-api03-a-secret-of-my-own-987654321"
    byok = [("x-ai-bridge-token", bridge.token), ("x-api-key", own)]
    wrong = [("authorization", f"Bearer {bridge.token[:-1]}?")]
    answers = []
    with capture_logs() as logs:
        for steps in ([reply(b"{}")], [b"garbage\r\n", Then.CLOSE], [Then.CLOSE]):
            for headers in (byok, bridge.headers(), wrong):
                wire.forget()
                wire.always(*steps)
                answers.append(ask(bridge.url, ROUTES["chat"], headers=headers, body=b"{}"))
        monkeypatch.setattr(bridge.app._pool, "send", None)
        answers += [
            ask(bridge.url, ROUTES["chat"], headers=headers, body=b"{}")
            for headers in (byok, bridge.headers())
        ]
    events = [entry["event"] for entry in logs]
    assert events.count("request_failed") == 2
    assert set(events) <= {"request_failed", "provider_unreachable", "provider_answers_again"}
    tables = [bridge.rows(name) for name in ("interceptions", "sessions", "users", "tokens")]
    out, err = capfd.readouterr()
    places = [str(answers), json.dumps(tables), str(logs), caplog.text, out, err]
    for secret in (own, KEY, bridge.token[11:], bridge.token):
        assert not [place for place in places if secret in place]


def test_hints_do_not_show_much_of_a_short_key(wire, tmp_path):
    for number, (key, hint) in enumerate([("abc", "..."), ("short", "s...t")]):
        providers = [{"type": "openai", "base_url": wire.url, "api_keys": [key]}]
        with bridges.serve(tmp_path / str(number), providers) as bridge:
            bridge.post("chat", samples.request("chat"))
            assert bridge.record().credential_hint == hint
