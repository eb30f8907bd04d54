"""Where a token may stand, what the provider is paid with, and what nobody ever sees."""

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

CREDENTIALS = (b"authorization", b"x-api-key", b"api-key", b"x-ai-bridge-token", b"cookie")
CHAT = {
    "openai": "/api/v2/aibridge/openai/v1/chat/completions",
    "azure": "/api/v2/aibridge/azure/v1/chat/completions",
    "copilot": "/api/v2/aibridge/copilot/chat/completions",
}


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
    assert [entry["event"] for entry in logs] == ["request_failed"] * 2
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
