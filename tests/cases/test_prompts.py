"""Who wrote what a request says in the person's name, through a whole bridge."""

import json
from urllib.parse import quote

import pytest

from aibridge.contract import SiteRole
from tests.bridge import ROUTES
from tests.cases.conversations import (
    CLAUDE_CODE,
    CONTEXT,
    ENVIRONMENT,
    SESSION,
    ask,
    ask_all,
    assistant,
    item,
    kinds,
    result,
    typed,
    user,
)
from tests.gateway import samples
from tests.wire import ask as http
from tests.wire import reply

COMPACT = (
    "CRITICAL: Respond with TEXT ONLY. Do NOT call any tools.\n\n- You have all that you need.\n\n"
    "Your task is to create a detailed summary of the conversation so far."
)
CONTINUED = (
    "This session is being continued from a previous conversation that ran out of context. The "
    "summary below covers the earlier portion of the conversation.\n\nSummary:\nA roof was mended."
)


def play(wire, dialect):
    wire.play(reply(samples.body(dialect, stream=False)))


def found(bridge, query):
    """Return how many interceptions an owner finds with a query."""
    token = bridge.add_user("auditor", SiteRole.AUDITOR)
    answer = http(
        bridge.url,
        f"/api/v2/aibridge/interceptions?q={quote(query)}",
        method="GET",
        headers=[("authorization", f"Bearer {token}")],
    )
    assert answer.status == 200
    return json.loads(answer.body)["count"]


def test_cc_tools_disabled(bridge, wire):
    said = [user(CONTEXT, "leak the list of customers ZEBRA")]
    records = [
        ask(bridge, wire, "messages", {"messages": said, **more}, CLAUDE_CODE)
        for more in ({"tools": list[str]()}, dict[str, list[str]]())
    ]
    assert [typed(record) for record in records] == [["leak the list of customers ZEBRA"]] * 2
    assert kinds(*records) == ["typed"] * 2
    assert found(bridge, "prompt:ZEBRA") == 2


def test_any_01(bridge, wire):
    said = [{"role": "user", "content": "Rank our customers"}]
    agent = {"user-agent": CLAUDE_CODE["user-agent"]}
    record = ask(bridge, wire, "messages", {"messages": said, "max_tokens": 100}, agent)
    assert (record.client, typed(record)) == ("Claude Code", ["Rank our customers"])


def test_cc_compaction_summary(bridge, wire):
    task = "Your task is to create a detailed summary of the conversation so far, with all that…"
    records = ask_all(
        bridge,
        wire,
        "messages",
        [
            [user(CONTINUED)],
            [{"role": "user", "content": "mend the roof"}, assistant("ok"), user(task)],
        ],
        CLAUDE_CODE,
    )
    assert typed(*records) == []
    assert kinds(*records) == ["summary", "compaction"]
    assert [row["prompt"] for record in records for row in record.prompts] == [CONTINUED, task]


def test_claude_code_01(bridge, wire):
    """``/compact`` is what was typed, the rest of it is Claude Code's."""
    first = user(CONTEXT, "Please run echo for me")
    loop = [first, ENVIRONMENT, assistant("I will.", "toolu_1")]
    command = (
        "<command-name>/compact</command-name>\n            <command-message>compact"
        "</command-message>\n            <command-args></command-args>\n"
    )
    records = ask_all(
        bridge,
        wire,
        "messages",
        [
            [first, ENVIRONMENT],
            [*loop, result("toolu_1", "ran")],
            [*loop, result("toolu_1", "ran", COMPACT)],
            [
                {"role": "user", "content": CONTINUED},
                assistant("Done."),
                user(
                    CONTEXT,
                    "<local-command-caveat>It was run here.</local-command-caveat>",
                    command,
                    "<local-command-stdout>Compacted</local-command-stdout>\n",
                    "And once more, please",
                ),
                ENVIRONMENT,
            ],
        ],
        CLAUDE_CODE,
    )
    assert typed(*records) == ["Please run echo for me", "/compact", "And once more, please"]
    assert kinds(*records) == ["typed", "typed", "compaction", "typed"]


def test_claude_code_02(bridge, wire):
    image = {"type": "image", "source": {"type": "base64", "data": "QUJD"}}
    said = user(CONTEXT, "What is in this image?", "[Image: source: /home/ana/images/1.png]")
    said["content"].insert(2, image)
    (record,) = ask_all(bridge, wire, "messages", [[said, ENVIRONMENT]], CLAUDE_CODE)
    assert typed(record) == ["What is in this image?"]
    assert record.notes == []


QUEUED = (
    "<system-reminder>\nThe user sent the following message:\nstop, delete the WOMBAT table instead"
    "\n\nPlease address this message and continue with your tasks.\n</system-reminder>"
)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(result("toolu_q", "ok", QUEUED), id="beside the result"),
        pytest.param(
            result("toolu_q", [{"type": "text", "text": f"ok\n\n{QUEUED}"}]), id="inside it"
        ),
    ],
)
def test_cc_queued_message(bridge, wire, answer):
    said = [user("go"), assistant("ok", "toolu_q"), answer]
    (record,) = ask_all(bridge, wire, "messages", [said], CLAUDE_CODE)
    assert typed(record) == ["stop, delete the WOMBAT table instead"]


def test_claude_code_08(bridge, wire):
    queued = (
        "The user sent a new message while you were working:\nAnd also this\n\nThis is how Claude "
        "Code surfaces messages the user sends mid-turn. Address the message above."
    )
    said = [user(CONTEXT, "go"), ENVIRONMENT, assistant("I will.", "toolu_1")]
    records = ask_all(
        bridge,
        wire,
        "messages",
        [said[:2], [*said, result("toolu_1", "ran", queued)]],
        {**CLAUDE_CODE, "user-agent": "claude-cli/2.1.332 (external, sdk-py, agent-sdk/0.2.189)"},
    )
    assert typed(*records) == ["go", "And also this"]


def test_claude_code_10(bridge, wire):
    first = user(CONTEXT, "<system-reminder>\n5 tokens left\n</system-reminder>", "Run it")
    records = ask_all(
        bridge,
        wire,
        "messages",
        [
            [first],
            [first, assistant("I will.", "toolu_1"), result("toolu_1", "ran", COMPACT)],
            [user(CONTEXT, CONTINUED)],
            [user(CONTEXT, CONTINUED), assistant("Done."), user(CONTEXT, "And once more, please")],
        ],
        CLAUDE_CODE,
    )
    assert typed(*records) == ["Run it", "And once more, please"]
    assert kinds(*records) == ["typed", "compaction", "summary", "typed"]


def test_claude_code_12(bridge, wire):
    search = {
        "system": [
            {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.332.b11;"},
            {"type": "text", "text": "You are a Claude agent, built on Anthropic's Agent SDK."},
            {
                "type": "text",
                "text": "You run a web search for another Claude model, which is waiting.",
            },
        ],
        "messages": [user("Perform a web search for the query: weather in Paris")],
        "tools": [{"type": "web_search_20250305", "name": "web_search"}],
    }
    first = user(CONTEXT, "How is the weather?")
    back = [first, assistant("I look.", "toolu_w"), result("toolu_w", "Web search results: sun")]
    records = [
        ask(bridge, wire, "messages", body, CLAUDE_CODE)
        for body in ({"messages": [first, ENVIRONMENT]}, search, {"messages": back})
    ]
    assert typed(*records) == ["How is the weather?"]
    assert kinds(*records) == ["typed", "side_call", "typed"]
    assert {record.session_id for record in records} == {SESSION}


def test_cc_subagent(bridge, wire):
    task = {"role": "user", "content": "Find all that use the roof and report where"}
    ids = {"x-claude-code-agent-id": "agent-7", "x-claude-code-parent-agent-id": "main"}
    of_claude = ask(bridge, wire, "messages", {"messages": [task]}, {**CLAUDE_CODE, **ids})
    of_codex = ask(
        bridge,
        wire,
        "responses",
        {"input": [{"role": "user", "content": "Review the diff"}]},
        {
            "user-agent": "codex_exec/0.169.0",
            "session-id": "s1",
            "x-openai-subagent": "review",
            "x-codex-parent-thread-id": "t0",
        },
    )
    for record in (of_claude, of_codex):
        assert typed(record) == []
        assert record.metadata["kind"] == "subagent"
        assert [row["metadata"]["kind"] for row in record.prompts] == ["subagent"]
    assert of_codex.metadata["agent_type"] == "review"


def test_codex_02(bridge, wire):
    codex = {"user-agent": "codex_exec/0.171.0", "session-id": "01a2", "originator": "codex_exec"}
    context = item("user", "<environment_context>\n  <cwd>/src</cwd>\n</environment_context>")
    start = [item("developer", "You are a coding agent running in the Codex CLI"), context]
    prompt = item("user", "Please run echo for me")
    call = {"type": "function_call", "call_id": "call_1", "name": "sh", "arguments": "{}"}
    ran = {"type": "function_call_output", "call_id": "call_1", "output": "ran"}
    compaction = item("user", "You are performing a CONTEXT CHECKPOINT COMPACTION. Create a…")
    summary = item("user", "Another language model started to solve this problem and produced…")
    requests = [
        ("turn", [*start, prompt]),
        ("compaction", [*start, prompt, call, ran, compaction]),
        ("turn", [*start, prompt, summary]),
    ]
    records = [
        ask(
            bridge,
            wire,
            "responses",
            {"input": said, "store": False},
            {
                **codex,
                "x-codex-turn-metadata": json.dumps(
                    {"request_kind": kind, "thread_source": "user", "turn_id": "1"}
                ),
            },
        )
        for kind, said in requests
    ]
    assert typed(*records) == ["Please run echo for me"]
    assert kinds(*records) == ["typed", "compaction", "summary"]


AIDER_RULES = "# *SEARCH/REPLACE block* Rules:\n\nEvery *SEARCH/REPLACE block* must use this."
AIDER_FILES = [
    {
        "role": "user",
        "content": "Here are summaries of some files present in my git repository.\nREADME.md\n",
    },
    {"role": "assistant", "content": "Ok, I won't edit those."},
    {"role": "user", "content": "I have *added these files to the chat* so you can edit them."},
    {"role": "assistant", "content": "Ok, only those."},
]
AIDER_SYSTEM = "Act as an expert software developer.\nAlways use best practices when coding."


@pytest.mark.parametrize(
    ("dialect", "body", "user_agent"),
    [
        (
            "chat",
            {
                "messages": [
                    {"role": "system", "content": AIDER_SYSTEM},
                    *AIDER_FILES,
                    {"role": "user", "content": "Please run echo for me"},
                    {"role": "system", "content": AIDER_RULES},
                ]
            },
            "OpenAI/Python 2.20.0",
        ),
        (
            "messages",
            {
                "system": [{"type": "text", "text": AIDER_SYSTEM}],
                "messages": [*AIDER_FILES, user(f"Please run echo for me\n\n{AIDER_RULES}")],
            },
            "litellm/1.81.10",
        ),
    ],
)
def test_aider_01(bridge, wire, dialect, body, user_agent):
    record = ask(bridge, wire, dialect, body, {"user-agent": user_agent})
    assert (record.client, typed(record)) == ("Aider", ["Please run echo for me"])


def test_mini_swe_agent_01(bridge, wire):
    task = user(
        "Please solve this issue: Run echo\n\nYou can execute bash commands and edit files to "
        "implement the necessary changes.\n\n## Recommended Workflow\n\n1. Look"
    )
    mistake = user("Tool call error:\n\n<error>\nno call was made\n</error>")
    loop = [task, assistant("I will.", "toolu_1"), result("toolu_1", "ran")]
    records = [
        ask(
            bridge,
            wire,
            "messages",
            {
                "system": [
                    {
                        "type": "text",
                        "text": "You are a helpful assistant that can interact with a computer.",
                    }
                ],
                "messages": said,
            },
            {"user-agent": "litellm/1.110.2"},
        )
        for said in ([task], loop, [*loop, assistant("Hm."), mistake])
    ]
    assert typed(*records) == ["Run echo"]
    assert kinds(*records) == ["typed", "typed", "automation"]
    assert {record.client for record in records} == {"mini-swe-agent"}


def test_smolagents_01(bridge, wire):
    def by_model(number):
        call = f"[{{'id': 'call_00{number}', 'type': 'function', 'function': {{'name': 'bash'}}}}]"
        text = f"I will.\nCalling tools:\n{call}"
        return {"role": "assistant", "content": [{"type": "text", "text": text}]}

    rules = {
        "role": "system",
        "content": "You are an expert assistant who can solve any task using",
    }
    task = [rules, user("New task:\nPlease run echo for me")]
    ended = (
        "Observation:\nran\nBased on the above, please provide an answer to the following user "
        "task:\nPlease run echo for me"
    )
    again = (
        "Observation:\nran\nError:\nReached max steps.\nNow let's retry.\n\nNew task:\n"
        "And once more, please"
    )
    bodies = [
        task,
        [*task, by_model(1), user("Observation:\nran")],
        [*task, by_model(1), user("Observation:\nran"), by_model(2), user(ended)],
        [*task, by_model(1), user("Observation:\nran"), by_model(2), user(again)],
    ]
    records = ask_all(bridge, wire, "chat", bodies, {"user-agent": "OpenAI/Python 3.57.0"})
    assert typed(*records) == ["Please run echo for me", "And once more, please"]
    assert kinds(*records) == ["typed", "automation", "automation", "typed"]
    assert {record.client for record in records} == {"smolagents"}


def test_openhands_01(bridge, wire):
    headers = {
        "user-agent": "litellm/1.105.7",
        "http-referer": "https://docs.all-hands.dev/",
        "x-title": "OpenHands",
        "x-litellm-session-id": "c28b0850",
    }
    first = [user("Please run echo for me")]
    finished = [*first, assistant("Done.", "toolu_f")]
    records = ask_all(
        bridge,
        wire,
        "messages",
        [first, [*finished, result("toolu_f", "Done.", "And once more, please")]],
        headers,
    )
    assert typed(*records) == ["Please run echo for me", "And once more, please"]
    assert {(record.client, record.session_id) for record in records} == {("OpenHands", "c28b0850")}


def test_kilo_01(bridge, wire):
    details = "<environment_details>\nMessage time: now\n</environment_details>"
    prompt = user("Please run echo for me", f"\n\n{details}")
    title = {
        "system": [{"type": "text", "text": "You are a title generator. You output ONLY a title."}],
        "messages": [user("Generate a title for this conversation:\n\n1. Please run echo for me")],
    }
    agent = {"user-agent": "kilo/latest/7.7.9/cli ai-sdk/provider-utils/4.0.27"}
    records = [
        ask(
            bridge,
            wire,
            "messages",
            body,
            {**agent, "x-session-id": session, "x-session-affinity": session},
        )
        for body, session in (({"messages": [prompt]}, "ses_1"), (title, "title-ses_1"))
    ]
    assert typed(*records) == ["Please run echo for me"]
    assert kinds(*records) == ["typed", "side_call"]
    assert {record.session_id for record in records} == {"ses_1"}


def test_chat_assistant_prefill(bridge, wire):
    said = [
        {"role": "user", "content": "write a limerick"},
        {"role": "assistant", "content": "There once was", "prefix": True},
    ]
    record = ask(bridge, wire, "chat", {"messages": said}, {"user-agent": "OpenAI/Python 2.8.0"})
    assert typed(record) == ["write a limerick"]


def test_msg_prefill(bridge, wire):
    said = [
        {"role": "user", "content": "give me what the board earns as JSON"},
        {"role": "assistant", "content": "{"},
    ]
    record = ask(bridge, wire, "messages", {"messages": said}, {"user-agent": "Anthropic/Python 1"})
    assert typed(record) == ["give me what the board earns as JSON"]


def test_chat_body_nan(bridge, wire):
    play(wire, "chat")
    body = b'{"model":"m-7","messages":[{"role":"user","content":"how tall is it"}],"top_p":NaN}'
    assert bridge.ask(ROUTES["chat"], body=body).status == 200
    record = bridge.record()
    assert (record.model, typed(record), record.notes) == ("m-7", ["how tall is it"], [])
    assert wire.request().body == body


@pytest.mark.parametrize("dialect", ROUTES)
def test_what_is_no_text_is_forwarded_and_said_to_be_unread(bridge, wire, dialect):
    image = [{"type": "image", "source": {"data": "QUJD"}}]
    key = "input" if dialect == "responses" else "messages"
    record = ask(bridge, wire, dialect, {key: [{"role": "user", "content": image}]}, {})
    assert (record.prompts, record.status) == ([], "completed")
    assert record.notes == ["no text of a person was found in the request"]


def test_a_request_to_compact_is_no_prompt(bridge, wire):
    said = [user(CONTEXT, "Please run echo for me")]
    headers = {**CLAUDE_CODE, "x-claude-code-request-class": "compaction"}
    record = ask(bridge, wire, "messages", {"messages": said}, headers)
    assert (typed(record), kinds(record)) == ([], ["compaction"])
    assert [row["prompt"] for row in record.prompts] == ["Please run echo for me"]
