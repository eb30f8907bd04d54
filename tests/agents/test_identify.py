import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.agents import BUILT_IN, Agent
from aibridge.agents.table import CLIENTS, SESSION_HEADERS, SESSION_HINTS, Client
from aibridge.dialects.facts import PromptKind
from tests.agents.looking import identify

Headers = dict[bytes, bytes]
VALUES = (
    b"",
    b"1",
    b"title-s",
    b"main",
    b"subagent",
    b"conversation-user",
    b"OpenAI/JS 6",
    b"claude-cli/2",
    b"codex/1",
    b'{"request_kind":"turn","thread_source":"subagent","parent_thread_id":"t"}',
)
"""What makes `identify` go on looking, for some header."""


def named(user_agent: str, **headers: str) -> str | None:
    sent = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return identify({b"user-agent": user_agent.encode(), **sent}, {}).client


@pytest.mark.parametrize(
    ("user_agent", "client"),
    [
        ("claude-cli/2.1.197 (external, sdk-cli)", "Claude Code"),
        ("Claude-CLI/1.0", "Claude Code"),
        ("codex_exec/0.169.0 (Debian 12.0.0; x86_64) dumb (codex_exec; 0.169.0)", "Codex"),
        ("codex_cli_rs/0.38.0 (Ubuntu 24.04.2 LTS; x86_64)", "Codex"),
        ("opencode/1.18.33 ai-sdk/provider-utils/4.0.46 runtime/bun/1.3.14", "OpenCode"),
        ("Kilo-Code/4.1.0", "Kilo Code"),
        ("roo-code/3.1", "Roo Code"),
        ("RooCode/3.53.0", "Roo Code"),
        ("Cline/3.74.0", "Cline"),
        ("GitHubCopilotChat/0.30.1", "GitHub Copilot (VS Code)"),
        ("copilot/1.0.102 (linux v24)", "GitHub Copilot (CLI)"),
        ("Zed/0.190.0 (linux; x86_64)", "Zed"),
        ("mux/1.2 ai-sdk/5", "Xum"),
        ("xum/1.2", "Xum"),
        ("coder-agents/2.30", "Coder Agents"),
        ("Charm Crush/0.9", "Charm Crush"),
        ("charm-crush/0.10", "Charm Crush"),
        ("junie:1.0", "Junie"),
        ("GeminiCLI/0.24.0 (linux; x64)", "Gemini CLI"),
        ("QwenCode/0.14.2 (darwin; arm64)", "Qwen Code"),
        ("KimiCLI/1.46.0", "Kimi CLI"),
        ("goose/1.45.0", "Goose"),
        ("Continue/IDE", "Continue"),
        ("litellm/1.80.0", "LiteLLM"),
        ("langchainjs-openai/1.0.0", "LangChain"),
        ("ai-sdk/openai/2.0.0", "AI SDK (TypeScript)"),
        ("ai-sdk-anthropic/4.0.105 ai-sdk-provider-utils/5.0.81", "AI SDK (TypeScript)"),
        ("ai-sdk-openai-compatible/3.0.92", "AI SDK (TypeScript)"),
        ("Agents/JavaScript 0.3.1", "OpenAI Agents SDK (TypeScript)"),
        ("Agents/Python 0.6", "OpenAI Agents SDK (Python)"),
        ("kilo/latest/7.7.9/cli ai-sdk/provider-utils/4.0.27", "Kilo Code"),
        ("OpenHands/1.2", "OpenHands"),
        ("Anthropic/Python 1.17.0", "Anthropic SDK (Python)"),
        ("AsyncAnthropic/Python 1.17.0", "Anthropic SDK (Python)"),
        ("Anthropic/JS 0.94.0", "Anthropic SDK (TypeScript)"),
        ("OpenAI/Python 3.54.0", "OpenAI SDK (Python)"),
        ("AsyncOpenAI/Python 3.54.0", "OpenAI SDK (Python)"),
        ("OpenAI/JS 6.1.0", "OpenAI SDK (TypeScript)"),
        ("OpenAI/Go 3.0.0", "OpenAI SDK (Go)"),
        ("curl/8.5.0", "curl"),
        ("Mozilla/5.0", None),
        ("my-claude-wrapper/1", None),
        ("", None),
    ],
)
def test_a_client_is_known_by_its_user_agent(user_agent: str, client: str | None) -> None:
    assert named(user_agent) == client


@pytest.mark.parametrize(
    ("user_agent", "header", "value", "client"),
    [
        ("OpenAI/JS 5.0", "originator", "roo-code", "Roo Code"),
        ("OpenAI/JS 5.0", "originator", "Kilo-Code", "Kilo Code"),
        ("x", "originator", "codex_vscode", "Codex"),
        ("x", "originator", "another", None),
        ("x", "x-cursor-client-version", "2.0", "Cursor"),
        ("x", "x-cursor-client-version", "", None),
        ("OpenAI/JS 5.0", "http-referer", "https://cline.bot", "Cline"),
        ("litellm/1.8", "http-referer", "https://aider.chat", "Aider"),
        ("OpenAI/JS 5.0", "http-referer", "https://www.continue.dev/", "Continue"),
        ("Anthropic/JS 0.94.0", "x-initiator", "agent", "GitHub Copilot (CLI)"),
        ("OpenAI/JS 5.0", "x-initiator", "agent", "GitHub Copilot (CLI)"),
        ("OpenAI/JS 5.0", "x-interaction-type", "conversation-user", "GitHub Copilot (CLI)"),
        ("OpenAI/Python 3.0", "x-initiator", "agent", "OpenAI SDK (Python)"),
        ("litellm/1.105.7", "x-title", "OpenHands", "OpenHands"),
        ("litellm/1.105.7", "http-referer", "https://docs.all-hands.dev/", "OpenHands"),
        ("ai-sdk/openai/2.0", "x-title", "Kilo Code", "Kilo Code"),
        ("ai-sdk/openai/2.0", "http-referer", "https://kilocode.ai", "Kilo Code"),
        ("ai-sdk/openai/2.0", "x-kilocode-version", "7", "Kilo Code"),
        ("OpenAI/JS 5.0", "x-title", "Cline", "Cline"),
        ("x", "x-title", "goose", "Goose"),
        ("claude-cli/2.1", "originator", "roo-code", "Claude Code"),
        ("opencode/1.18", "x-initiator", "user", "OpenCode"),
    ],
)
def test_a_header_gives_away_who_uses_a_library(
    user_agent: str, header: str, value: str, client: str | None
) -> None:
    assert named(user_agent, **{header: value}) == client


@pytest.mark.parametrize(
    ("headers", "agent"),
    [
        (
            {
                b"user-agent": b"claude-cli/2.1.197 (external, sdk-cli)",
                b"x-claude-code-session-id": b"3a4f19fa",
                b"x-app": b"cli",
            },
            Agent("Claude Code", "3a4f19fa"),
        ),
        (
            {
                b"user-agent": b"codex_exec/0.169.0 (Debian 12.0.0; x86_64)",
                b"originator": b"codex_exec",
                b"session-id": b"01a204c6",
                b"thread-id": b"other",
            },
            Agent("Codex", "01a204c6"),
        ),
        (
            {b"user-agent": b"codex_cli_rs/0.38.0", b"session_id": b"8f1f"},
            Agent("Codex", "8f1f"),
        ),
        (
            {
                b"user-agent": b"opencode/1.18.33",
                b"x-session-affinity": b"ses_2",
                b"x-session-id": b"ses_1",
            },
            Agent("OpenCode", "ses_1"),
        ),
        (
            {b"user-agent": b"opencode/1.0", b"x-opencode-session": b"ses_3"},
            Agent("OpenCode", "ses_3"),
        ),
        (
            {b"user-agent": b"Kilo-Code/7.0", b"x-session-affinity": b"ses_4"},
            Agent("Kilo Code", "ses_4"),
        ),
        (
            {b"user-agent": b"Kilo-Code/4.9", b"x-kilocode-taskid": b"task"},
            Agent("Kilo Code", "task"),
        ),
        (
            {
                b"user-agent": b"Anthropic/JS 0.94.0",
                b"x-initiator": b"user",
                b"x-interaction-type": b"conversation-user",
            },
            Agent("GitHub Copilot (CLI)", None, PromptKind.TYPED),
        ),
        (
            {b"user-agent": b"copilot/1.0", b"x-client-session-id": b"c"},
            Agent("GitHub Copilot (CLI)", "c"),
        ),
        (
            {b"user-agent": b"GitHubCopilotChat/0.3", b"x-interaction-id": b"i"},
            Agent("GitHub Copilot (VS Code)", "i"),
        ),
        ({b"user-agent": b"mux/1", b"x-mux-workspace-id": b"w"}, Agent("Xum", "w")),
        (
            {b"user-agent": b"coder-agents/1", b"x-coder-chat-id": b"chat"},
            Agent("Coder Agents", "chat"),
        ),
        ({b"user-agent": b"Cline/3.1", b"x-task-id": b"t"}, Agent("Cline", "t")),
        ({b"user-agent": b"goose/1.4", b"agent-session-id": b"g"}, Agent("Goose", "g")),
        ({b"user-agent": b"Anthropic/Python 1.17.0"}, Agent("Anthropic SDK (Python)", None)),
        ({b"x-session-id": b"whose?"}, Agent(None, "whose?")),
        ({}, Agent(None, None)),
    ],
)
def test_what_clients_send(headers: Headers, agent: Agent) -> None:
    assert identify(headers, {}) == agent


@pytest.mark.parametrize(
    ("hints", "session_id"),
    [
        ({}, None),
        ({"user": "u1", "previous_response_id": "resp_1"}, None),
        ({"conversation": "conv_1"}, "conv_1"),
        ({"conversation": "conv_1", "prompt_cache_key": "k1"}, "conv_1"),
        ({"prompt_cache_key": "k1", "session_id": "s1"}, "s1"),
        ({"prompt_cache_key": " ", "conversation": "conv_1"}, "conv_1"),
    ],
)
def test_the_body_names_a_session_where_no_header_does(
    hints: dict[str, str], session_id: str | None
) -> None:
    assert identify({b"user-agent": b"OpenAI/Python 3.54.0"}, hints).session_id == session_id


@pytest.mark.parametrize(
    ("user_agent", "opening", "client"),
    [
        ("ai-sdk/openai-compatible/3.0", "You are Cline, an AI coding agent.", "Cline"),
        ("ls/JS 5.23.2", "You are an agent in the Continue CLI. Given", "Continue"),
        ("ai-sdk/openai/2", "You are Kilo, a highly skilled software engineer", "Kilo Code"),
        ("litellm/1.81", "Act as an expert software developer.\nAlways", "Aider"),
        ("OpenAI/Python 2.20", "Act as an expert code analyst.\nAnswer", "Aider"),
        ("openai/python", "You are an expert assistant who can solve any task using", "smolagents"),
        ("litellm/1.1", "You are a helpful assistant that can interact with a computer.",
         "mini-swe-agent"),
        ("litellm/1.1", "You are a helpful assistant that can interact with a computer to",
         "LiteLLM"),
        ("", "You are a general-purpose AI agent called goose, created by", "Goose"),
        ("Anthropic/JS 1.0", "You are the GitHub Copilot CLI, a terminal", "GitHub Copilot (CLI)"),
        ("litellm/1.1", "<SOUL>\nYou are OpenHands agent, a helpful", "OpenHands"),
        ("codex_exec/0.1", "You are Cline, an AI coding agent.", "Codex"),
        ("curl/8", "Who is Cline? You are Cline, no?", "curl"),
    ],
)  # fmt: skip
def test_a_system_prompt_gives_away_who_uses_a_library(
    user_agent: str, opening: str, client: str
) -> None:
    headers = {b"user-agent": user_agent.encode()}
    assert identify(headers, {}, ("You are helpful.", opening)).client == client
    assert identify(headers, {}, ()).client != client or client in {"Codex", "curl", "LiteLLM"}


@pytest.mark.parametrize("header", SESSION_HEADERS)
@pytest.mark.parametrize("user_agent", [b"acme-bot/1.0", b"curl/8", b"Anthropic/Python 1.0"])
def test_any_client_may_name_its_session(header: bytes, user_agent: bytes) -> None:
    headers = {b"user-agent": user_agent, header: b"s-1"}
    assert identify(headers, {"session_id": "body"}).session_id == "s-1"
    headers[b"x-ai-bridge-session-id"] = b"s-2"
    assert identify(headers, {}).session_id == "s-2"


def test_a_client_s_own_header_goes_before_those_of_all() -> None:
    headers = {
        b"user-agent": b"claude-cli/2.1",
        b"x-session-id": b"proxy",
        b"x-claude-code-session-id": b"own",
    }
    assert identify(headers, {}).session_id == "own"
    headers[b"x-ai-bridge-session-id"] = b"ours"
    assert identify(headers, {}).session_id == "ours"


def test_a_header_goes_before_the_body() -> None:
    headers = {b"user-agent": b"claude-cli/2.1", b"x-claude-code-session-id": b"header"}
    assert identify(headers, {"session_id": "body"}).session_id == "header"
    headers[b"x-claude-code-session-id"] = b"  "
    assert identify(headers, {"session_id": "body"}).session_id == "body"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b"  padded\t", "padded"),
        (b"x" * 300, "x" * 256),
        (b"a\x00b", "ab"),
        (b"\xff", "�"),
        ("é".encode(), "é"),
    ],
)
def test_a_session_id_is_fit_to_be_stored(sent: bytes, kept: str) -> None:
    headers = {b"user-agent": b"codex/1", b"session-id": sent}
    assert identify(headers, {}).session_id == kept


@given(
    st.dictionaries(
        st.sampled_from([b"user-agent", b"originator", b"session-id", b"x-initiator"]),
        st.binary(max_size=400) | st.sampled_from([b"codex", b"Anthropic/JS", b"roo-code"]),
    ),
    st.dictionaries(st.sampled_from(SESSION_HINTS), st.text(max_size=400)),
)
def test_whatever_is_sent_there_is_an_answer(headers: Headers, hints: dict[str, str]) -> None:
    session_id = identify(headers, hints).session_id
    if session_id is not None:
        assert 0 < len(session_id) <= 256
        assert session_id.isprintable()
        assert session_id == session_id.strip()
        session_id.encode()


def test_the_table_is_written_as_it_is_matched() -> None:
    for client in CLIENTS:
        headers = (*client.session, *(marker.header for marker in client.markers))
        values = (
            *client.agents,
            *(m.value for m in client.markers),
            *(under for m in client.markers for under in m.under),
        )
        assert all(text == text.lower() for text in (*headers, *values))
        assert client.agents or client.markers or client.openings
        assert len(client.name) <= 64


def test_every_row_can_be_reached() -> None:
    for client in CLIENTS:
        for agent in client.agents:
            assert identify({b"user-agent": agent + b"1.0"}, {}).client == client.name


@given(st.dictionaries(st.sampled_from(sorted(BUILT_IN.headers)), st.sampled_from(VALUES)))
def test_no_header_is_looked_at_that_the_journal_does_not_have(headers: Headers) -> None:
    """The keeper has those in `Agents.headers` and no others."""
    identify(headers, {})


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_every_header_of_a_client_is_one_that_the_journal_has(client: Client) -> None:
    named = {*client.session, *(marker.header for marker in client.markers)}
    assert named <= BUILT_IN.headers
