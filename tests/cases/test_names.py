"""Which client calls and which session it names, through a whole bridge."""

import pytest

from tests import bridge as bridges
from tests.cases.conversations import ask, typed, user

HI = {"messages": [user("how deep is the lake")]}


def test_annotations_of_calls(bridge, wire):
    """A call's header is on record, and never with the provider."""
    said = '{"repo":"https://ana:secret@github.com/acme/shop.git","branch":"main"}'
    record = ask(bridge, wire, "messages", HI, {"X-AI-Bridge-Annotations": said})
    assert wire.request().values(b"x-ai-bridge-annotations") == []
    (row,) = bridge.rows("annotations")
    assert (row["id"], row["repo"], row["branch"]) == (
        record.annotation_id,
        "github.com/acme/shop",
        "main",
    )


SESSION_HEADERS = (
    "session-id",
    "session_id",
    "x-session-id",
    "x-litellm-session-id",
    "helicone-session-id",
    "x-claude-code-session-id",
    "x-ai-bridge-session-id",
    "langfuse_session_id",
)


@pytest.mark.parametrize("header", SESSION_HEADERS)
def test_unknown_client_session(bridge, wire, header):
    headers = {"user-agent": "acme-bot/1.0", header: "acme-7"}
    record = ask(bridge, wire, "messages", HI, headers)
    assert (record.client, record.session_id) == (None, "acme-7")


@pytest.mark.parametrize(
    ("dialect", "fields"),
    [
        ("chat", {"session_id": "acme-7"}),
        ("chat", {"litellm_session_id": "acme-7"}),
        ("chat", {"metadata": {"session_id": "acme-7"}}),
        ("chat", {"prompt_cache_key": "acme-7"}),
        ("messages", {"metadata": {"session_id": "acme-7"}}),
        ("messages", {"metadata": {"user_id": "user_1_account__session_acme-7"}}),
        ("messages", {"metadata": {"user_id": '{"session_id":"acme-7"}'}}),
        ("messages", {"metadata": {"user_id": {"session_id": "acme-7"}}}),
        ("chat", {"metadata": {"user_id": {"session_id": "acme-7"}}}),
        ("responses", {"prompt_cache_key": "acme-7"}),
        ("responses", {"conversation": "acme-7", "prompt_cache_key": "all of them"}),
        ("responses", {"conversation": {"id": "acme-7"}}),
        ("responses", {"metadata": {"session_id": "acme-7"}}),
    ],
)
def test_unknown_client_session_in_the_body(bridge, wire, dialect, fields):
    body = {**HI, **fields}
    if dialect == "responses":
        body["input"] = body.pop("messages")
    own = {"x-ai-bridge-token": bridge.token, "authorization": "Bearer sk-their-own"}
    record = ask(bridge, wire, dialect, body, {"user-agent": "acme-bot/1.0", **own})
    assert record.session_id == "acme-7"


def test_a_client_of_the_settings(serve, wire):
    night = {"name": "Night", "user_agents": ["night/"], "session_headers": ["x-night-id"]}
    with serve(bridges.providers(wire.url), agents=[night]) as bridge:
        headers = {"user-agent": "Night/2.0", "x-night-id": "n-1"}
        record = ask(bridge, wire, "messages", HI, headers)
    assert (record.client, record.session_id) == ("Night", "n-1")


def chat_of(rules):
    """Return a request of Chat Completions with a system prompt."""
    prompt = {"role": "user", "content": "Please run echo for me"}
    return {"messages": [{"role": "system", "content": rules}, prompt]}


def named(bridge, wire, dialect, body, **headers):
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    record = ask(bridge, wire, dialect, body, sent)
    assert typed(record) == ["Please run echo for me"]
    return record.client


def test_cline_01(bridge, wire):
    body = chat_of("You are Cline, an AI coding agent. Your primary goal is to assist users.")
    agent = "ai-sdk/openai-compatible/3.0.37 ai-sdk/provider-utils/5.0.30 runtime/bun/1.3.13"
    assert named(bridge, wire, "chat", body, user_agent=agent) == "Cline"


def test_continue_01(bridge, wire):
    body = chat_of("You are an agent in the Continue CLI. Given the user's prompt, use the tools.")
    assert named(bridge, wire, "chat", body, user_agent="ls/JS 5.23.2") == "Continue"


def test_qwen_code_02(bridge, wire):
    body = chat_of("You are Qwen Code, a non-interactive CLI agent developed by Alibaba Group.")
    agent = "QwenCode/0.24.4 (linux; x64)"
    assert named(bridge, wire, "chat", body, user_agent=agent) == "Qwen Code"


@pytest.mark.parametrize(
    ("dialect", "package"),
    [
        ("messages", "ai-sdk-anthropic/4.0.105"),
        ("responses", "ai-sdk-openai/4.0.118"),
        ("chat", "ai-sdk-openai-compatible/3.0.92"),
    ],
)
def test_vercel_ai_sdk_01(bridge, wire, dialect, package):
    key = "input" if dialect == "responses" else "messages"
    body = {key: [user("Please run echo for me")]}
    agent = f"{package} ai-sdk-provider-utils/5.0.81 node.js/24"
    assert named(bridge, wire, dialect, body, user_agent=agent) == "AI SDK (TypeScript)"


@pytest.mark.parametrize("dialect", ["chat", "responses"])
def test_copilot_on_the_wires_of_openai(bridge, wire, dialect):
    prompt = "<current_datetime>2026-11-30T07:38:48.265+00:00</current_datetime>\n\nPlease run echo"
    said = [{"role": "user", "content": f"{prompt} for me"}]
    body = {"input" if dialect == "responses" else "messages": said}
    headers = {
        "user-agent": "OpenAI/JS 5.20.1",
        "x-initiator": "user",
        "x-interaction-type": "conversation-user",
    }
    record = ask(bridge, wire, dialect, body, headers)
    assert (record.client, typed(record)) == ("GitHub Copilot (CLI)", ["Please run echo for me"])
