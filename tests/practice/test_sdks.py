"""The vendors' own SDKs against a practice provider on a real socket."""

import anthropic
import openai
import pytest

from aibridge.practice import Failure, Part, Script, StreamFailure, Turn, serve

COMMAND = {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]}
PATH = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
MESSAGES_TOOLS = [
    {"name": "read", "input_schema": PATH},
    {"name": "bash", "input_schema": COMMAND},
]
CHAT_TOOLS = [{"type": "function", "function": {"name": "bash", "parameters": COMMAND}}]
RESPONSES_TOOLS = [{"type": "function", "name": "bash", "parameters": COMMAND, "strict": False}]
PROMPT = [{"role": "user", "content": "Run echo please"}]
ECHO = {"command": "echo hello-from-tool"}

PARALLEL = Script(
    turns=(
        Turn(
            parts=(Part(text="Both."), Part(tool="*"), Part(tool="read", arguments={"path": "a"}))
        ),
    )
)


@pytest.fixture(scope="module")
def practice():
    with serve() as running:
        yield running


def claude(practice):
    return anthropic.Anthropic(base_url=practice.url, api_key="k", max_retries=0)


def gpt(practice):
    return openai.OpenAI(base_url=f"{practice.url}/v1", api_key="k", max_retries=0)


def asking(**more):
    return {"model": "claude-opus-4-8", "max_tokens": 99, "messages": PROMPT, **more}


def failing(**error):
    return Script(turns=(Turn(error=Failure(**error)),))


def breaking(**turn):
    return Script(turns=(Turn(parts=(Part(text="A long story. " * 20),), **turn),))


@pytest.mark.parametrize("stream", [False, True])
def test_anthropic_runs_the_tool_loop(practice, stream):
    def ask(messages):
        if not stream:
            return client.messages.create(**asking(messages=messages, tools=MESSAGES_TOOLS))
        with client.messages.stream(**asking(messages=messages, tools=MESSAGES_TOOLS)) as events:
            return events.get_final_message()

    with claude(practice) as client:
        first = ask(PROMPT)
        thought, text, call = first.content
        assert (thought.type, text.type, call.type) == ("thinking", "text", "tool_use")
        assert thought.signature
        assert (call.name, call.input, first.stop_reason) == ("bash", ECHO, "tool_use")
        result = {"type": "tool_result", "tool_use_id": call.id, "content": "ok"}
        last = ask([*PROMPT, first.to_param(), {"role": "user", "content": [result]}])
    assert last.stop_reason == "end_turn"
    assert last.content[-1].text.startswith("Done")
    assert last.id != first.id
    assert last.usage.output_tokens > 1


@pytest.mark.parametrize("stream", [False, True])
def test_chat_runs_the_tool_loop(practice, stream):
    def ask(messages):
        wanted = {"model": "gpt-5", "messages": messages, "tools": CHAT_TOOLS}
        if not stream:
            return client.chat.completions.create(**wanted)
        more = {"stream_options": {"include_usage": True}}
        with client.chat.completions.stream(**wanted, **more) as events:
            return events.get_final_completion()

    with gpt(practice) as client:
        first = ask(PROMPT)
        (call,) = first.choices[0].message.tool_calls
        assert call.function.name == "bash"
        assert call.function.arguments == '{"command":"echo hello-from-tool"}'
        said = {"role": "assistant", "tool_calls": [call.model_dump()]}
        result = {"role": "tool", "tool_call_id": call.id, "content": "ok"}
        last = ask([*PROMPT, said, result])
    assert last.choices[0].finish_reason == "stop"
    assert last.choices[0].message.content.startswith("Done")
    assert last.usage.completion_tokens_details.reasoning_tokens > 0


@pytest.mark.parametrize("stream", [False, True])
def test_responses_run_the_tool_loop(practice, stream):
    def ask(items):
        wanted = {"model": "gpt-5", "input": items, "tools": RESPONSES_TOOLS}
        if not stream:
            return client.responses.create(**wanted)
        with client.responses.stream(**wanted) as events:
            return events.get_final_response()

    with gpt(practice) as client:
        first = ask(PROMPT)
        thought, text, call = first.output
        assert (thought.type, text.type, call.type) == ("reasoning", "message", "function_call")
        assert call.arguments == '{"command":"echo hello-from-tool"}'
        said = {"type": "function_call", "call_id": call.call_id, "name": "bash", "arguments": "{}"}
        result = {"type": "function_call_output", "call_id": call.call_id, "output": "ok"}
        last = ask([*PROMPT, said, result])
    assert last.status == "completed"
    assert last.output_text.startswith("Done")
    assert last.usage.total_tokens == last.usage.input_tokens + last.usage.output_tokens


def test_tools_are_called_in_parallel():
    with serve(PARALLEL) as practice, claude(practice) as client:
        with client.messages.stream(**asking(tools=MESSAGES_TOOLS)) as events:
            calls = events.get_final_message().content[1:]
        assert [(call.name, call.input) for call in calls] == [
            ("bash", ECHO),
            ("read", {"path": "a"}),
        ]
        with gpt(practice) as other:
            wanted = {"model": "gpt-5", "messages": PROMPT, "tools": CHAT_TOOLS}
            with other.chat.completions.stream(**wanted) as chunks:
                calls = chunks.get_final_completion().choices[0].message.tool_calls
    assert [call.function.name for call in calls] == ["bash", "read"]


def test_models_and_token_counts(practice):
    with claude(practice) as client, gpt(practice) as other:
        assert "claude-opus-4-8" in [model.id for model in client.models.list()]
        assert "gpt-5" in [model.id for model in other.models.list()]
        assert client.models.retrieve("claude-opus-4-8").type == "model"
        assert other.models.retrieve("gpt-5").owned_by == "practice"
        count = client.messages.count_tokens(model="claude-opus-4-8", messages=PROMPT)
        assert count.input_tokens > 0
        with pytest.raises(openai.NotFoundError, match="does not exist"):
            other.models.retrieve("unheard")


def test_a_conversation_is_compacted(practice):
    with gpt(practice) as client:
        compacted = client.responses.compact(model="gpt-5", input=PROMPT)
    assert [item.type for item in compacted.output] == ["message", "compaction"]
    assert compacted.usage.input_tokens > 0


@pytest.mark.parametrize(
    ("error", "raised", "kind"),
    [
        ({"status": 400}, anthropic.BadRequestError, "invalid_request_error"),
        ({"status": 429}, anthropic.RateLimitError, "rate_limit_error"),
        ({"status": 500}, anthropic.InternalServerError, "api_error"),
        ({"status": 529}, anthropic.InternalServerError, "overloaded_error"),
    ],
)
def test_errors_come_as_anthropic_words_them(error, raised, kind):
    headers = {"retry-after": "7"}
    with serve(failing(**error, headers=headers)) as practice, claude(practice) as client:
        with pytest.raises(raised) as trouble:
            client.messages.create(**asking())
        assert trouble.value.body["error"]["type"] == kind
        assert trouble.value.body["request_id"] == trouble.value.request_id
        assert trouble.value.response.headers["retry-after"] == "7"


def test_errors_come_as_openai_words_them():
    quota = {"status": 429, "type": "insufficient_quota", "code": "insufficient_quota"}
    with serve(failing(**quota)) as practice, gpt(practice) as client:
        with pytest.raises(openai.RateLimitError) as trouble:
            client.responses.create(model="gpt-5", input="hi")
        assert (trouble.value.type, trouble.value.code) == ("insufficient_quota",) * 2
        assert trouble.value.request_id


def test_an_error_may_befall_the_first_requests_only():
    turn = Turn(parts=(Part(text="hi"),), error=Failure(status=503, times=1))
    with serve(Script(turns=(turn,))) as practice, claude(practice) as client:
        with pytest.raises(anthropic.InternalServerError):
            client.messages.create(**asking())
        assert client.messages.create(**asking()).content[0].text == "hi"


def test_an_error_may_befall_one_credential_only():
    turn = Turn(parts=(Part(text="hi"),), error=Failure(status=401, credential="bad"))
    with serve(Script(turns=(turn,))) as practice, claude(practice) as client:
        assert client.messages.create(**asking()).content[0].text == "hi"
        with pytest.raises(anthropic.AuthenticationError):
            client.with_options(api_key="bad").messages.create(**asking())


@pytest.mark.parametrize("pause", [None, 0.0])
def test_a_stream_breaks_off_with_an_error_event(pause):
    script = breaking(stream_error=StreamFailure(after=4, message="Tired."), pause=pause)
    with serve(script) as practice, claude(practice) as client, gpt(practice) as other:
        with pytest.raises(anthropic.APIStatusError, match="Tired"):
            list(client.messages.create(**asking(stream=True)))
        with pytest.raises(openai.APIError, match="Tired"):
            list(other.chat.completions.create(model="m", messages=PROMPT, stream=True))
        events = list(other.responses.create(model="m", input="hi", stream=True))
        assert events[-1].type == "response.failed"
        assert [event.sequence_number for event in events] == [0, 1, 2, 3, 4]
        with pytest.raises(anthropic.InternalServerError, match="Tired"):
            client.messages.create(**asking())


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("pause", [None, 0.0])
def test_compressed_answers_are_read(encoding, pause):
    with serve(breaking(encoding=encoding, pause=pause)) as practice, claude(practice) as client:
        with client.messages.stream(**asking()) as events:
            assert events.response.headers["content-encoding"] == encoding
            assert events.get_final_text().startswith("A long story.")
        assert client.messages.create(**asking()).content[0].text.startswith("A long story.")
