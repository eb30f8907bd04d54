"""What the vendors' SDKs give back through the bridge is what they give back without it."""

import inspect
from collections.abc import Callable
from typing import Any

import anthropic
import openai
import pytest

from tests.sdks.conftest import ERRORS, Place, Ways, of_interest, plain, raised
from tests.sdks.scenarios import asked

PROMPTS = ("Hello.", "Use tools.", "packed", "slowly")
Found = dict[str, Any]


def sync_create(place: Place, dialect: str) -> Any:
    """Return the SDK's way to make a call, raw headers and all."""
    if dialect == "messages":
        return place.claude().messages
    client = place.gpt()
    return client.chat.completions if dialect == "chat" else client.responses


def async_create(place: Place, dialect: str) -> Any:
    if dialect == "messages":
        return place.async_claude().messages
    client = place.async_gpt()
    return client.chat.completions if dialect == "chat" else client.responses


def call(place: Place, dialect: str, prompt: str, **more: Any) -> Found:
    """Make a call and return all that the SDK gives, or raises, on the way."""
    resource = sync_create(place, dialect)
    found: Found = {"events": []}
    try:
        raw = resource.with_raw_response.create(**asked(dialect, prompt, **more))
        found |= {"status": raw.status_code, "headers": of_interest(raw.headers)}
        found["request_id"] = raw.request_id
        parsed = raw.parse()
        if more.get("stream"):
            for event in parsed:
                found["events"].append(plain(event))
        else:
            found["answer"] = plain(parsed)
    except Exception as error:  # noqa: BLE001 - whatever it is, it has to be the same
        found["raised"] = raised(error)
    finally:
        resource._client.close()
    return found


async def async_call(place: Place, dialect: str, prompt: str, **more: Any) -> Found:
    resource = async_create(place, dialect)
    found: Found = {"events": []}
    try:
        raw = await resource.with_raw_response.create(**asked(dialect, prompt, **more))
        found |= {"status": raw.status_code, "headers": of_interest(raw.headers)}
        found["request_id"] = raw.request_id
        parsed = raw.parse()
        if inspect.isawaitable(parsed):  # Anthropic's is, OpenAI's is not
            parsed = await parsed
        if more.get("stream"):
            async for event in parsed:
                found["events"].append(plain(event))
        else:
            found["answer"] = plain(parsed)
    except Exception as error:  # noqa: BLE001 - whatever it is, it has to be the same
        found["raised"] = raised(error)
    finally:
        await resource._client.close()
    return found


def both(ways: Ways, ask: Callable[[Place], Found]) -> Found:
    """Ask both ways, and return what came once it is the same."""
    direct, bridged = ask(ways.direct), ask(ways.bridged)
    assert bridged == direct
    return bridged


dialects = pytest.mark.parametrize("dialect", ["messages", "chat", "responses"])
streams = pytest.mark.parametrize("stream", [False, True])


@pytest.mark.parametrize("prompt", PROMPTS)
@streams
@dialects
def test_answers_are_the_same(ways, dialect, stream, prompt):
    more: dict[str, Any] = {"stream": True} if stream else {}
    if (dialect, prompt) == ("chat", "packed") and stream:
        more["stream_options"] = {"include_usage": True}  # it cannot be hidden in packed bytes
    found = both(ways, lambda place: call(place, dialect, prompt, **more))
    assert "raised" not in found
    assert found["status"] == 200
    assert found["request_id"]
    assert len(found["events"]) > 3 if stream else found["answer"]
    assert ways.bridge.record().status == "completed"


@streams
@dialects
async def test_answers_are_the_same_asynchronously(ways, dialect, stream):
    more = {"stream": True} if stream else {}
    direct = await async_call(ways.direct, dialect, "Use tools.", **more)
    bridged = await async_call(ways.bridged, dialect, "Use tools.", **more)
    assert bridged == direct
    assert "raised" not in bridged


def test_a_chat_stream_with_usage_is_the_same(ways):
    more = {"stream": True, "stream_options": {"include_usage": True}}
    found = both(ways, lambda place: call(place, "chat", "Hello.", **more))
    (_, last) = found["events"][-1]
    assert last["usage"]["completion_tokens"] == 9


def test_a_chat_stream_without_usage_has_none(ways):
    found = both(ways, lambda place: call(place, "chat", "Hello.", stream=True))
    assert all(event["usage"] is None for _, event in found["events"])
    assert ways.bridge.record().usages[0]["output_tokens"] == 9


@pytest.mark.parametrize("status", [each for each in ERRORS if each != 401])
@streams
@dialects
def test_errors_are_the_same(ways, dialect, stream, status):
    more = {"stream": True} if stream else {}
    found = both(ways, lambda place: call(place, dialect, f"error {status}", **more))
    _, told, headers = found["raised"]
    assert told["status_code"] == status
    assert told["request_id"]
    assert headers["retry-after"] == "7"
    assert ways.bridge.record().http_status == status


@pytest.mark.parametrize("status", [403, 429, 529])
@dialects
async def test_errors_are_the_same_asynchronously(ways, dialect, status):
    direct = await async_call(ways.direct, dialect, f"error {status}")
    assert await async_call(ways.bridged, dialect, f"error {status}") == direct


def test_errors_have_the_vendors_types(ways):
    """A 401 for the configured key is none of the client's: it gets 403."""
    expected = {
        ("messages", 400): anthropic.BadRequestError,
        ("messages", 401): anthropic.PermissionDeniedError,
        ("messages", 429): anthropic.RateLimitError,
        ("messages", 529): anthropic.InternalServerError,
        ("chat", 400): openai.BadRequestError,
        ("chat", 401): openai.PermissionDeniedError,
        ("responses", 429): openai.RateLimitError,
        ("responses", 529): openai.InternalServerError,
    }
    for (dialect, status), kind in expected.items():
        resource = sync_create(ways.bridged, dialect)
        with pytest.raises(kind):
            resource.create(**asked(dialect, f"error {status}"))
        resource._client.close()


@dialects
def test_an_error_in_the_middle_of_a_stream_is_the_same(ways, dialect):
    found = both(ways, lambda place: call(place, dialect, "trouble", stream=True))
    assert found["events"]
    if dialect == "responses":
        assert found["events"][-1][1]["type"] == "response.failed"
    else:
        assert "Tired." in str(found["raised"])
    assert ways.bridge.record().status == "failed"


@dialects
async def test_an_error_in_the_middle_of_a_stream_is_the_same_asynchronously(ways, dialect):
    direct = await async_call(ways.direct, dialect, "trouble", stream=True)
    assert await async_call(ways.bridged, dialect, "trouble", stream=True) == direct


@streams
@dialects
def test_a_broken_answer_is_the_same(ways, dialect, stream):
    more = {"stream": True} if stream else {}
    found = both(ways, lambda place: call(place, dialect, "break", **more))
    assert "raised" in found
    assert ways.bridge.record().status == "failed"


def test_streams_of_the_helpers_are_the_same(ways):
    def messages(place: Place) -> Any:
        asking = asked("messages", "Use tools.")
        with place.claude() as client, client.messages.stream(**asking) as stream:
            events = [event.type for event in stream]
            return events, plain(stream.get_final_message())

    def responses(place: Place) -> Any:
        asking = asked("responses", "Use tools.")
        with place.gpt() as client, client.responses.stream(**asking) as stream:
            events = [event.type for event in stream]
            return events, plain(stream.get_final_response())

    def chat(place: Place) -> Any:
        asking = asked("chat", "Use tools.")
        with place.gpt() as client, client.chat.completions.stream(**asking) as stream:
            events = [event.type for event in stream]
            return events, plain(stream.get_final_completion())

    for ask in (messages, responses, chat):
        assert ask(ways.bridged) == ask(ways.direct)
    assert [len(record.tools) for record in ways.bridge.records()] == [2, 2, 2]


def test_a_loop_of_parallel_tools_is_the_same(ways):
    def loop(place: Place) -> Any:
        with place.claude() as client:
            first = client.messages.create(**asked("messages", "Use tools."))
            calls = [block.id for block in first.content if block.type == "tool_use"]
            results = [
                {"type": "tool_result", "tool_use_id": each, "content": "ok"} for each in calls
            ]
            arguments = asked("messages", "Use tools.")
            arguments["messages"] += [
                {"role": "assistant", "content": first.content},
                {"role": "user", "content": results},
            ]
            return len(calls), plain(first), plain(client.messages.create(**arguments))

    assert loop(ways.bridged) == loop(ways.direct)
    first, second = ways.bridge.records()
    assert second.thread_parent_id == first.id


def test_lists_of_models_are_the_same(ways):
    def lists(place: Place) -> Any:
        with place.claude() as claude, place.gpt() as gpt:
            return (
                [plain(model) for model in claude.models.list()],
                [plain(model) for model in gpt.models.list()],
                plain(claude.models.retrieve("claude-opus-4-8")),
                plain(gpt.models.retrieve("gpt-5")),
            )

    found = lists(ways.bridged)
    assert found == lists(ways.direct)
    assert len(found[0]) == len(found[1]) == 4
    assert ways.bridge.records() == []


def test_a_model_that_does_not_exist_is_the_same(ways):
    def retrieve(place: Place) -> Any:
        with place.gpt() as client:
            try:
                return client.models.retrieve("unheard")
            except openai.NotFoundError as error:
                return raised(error)

    assert retrieve(ways.bridged) == retrieve(ways.direct)


def test_counts_of_tokens_are_the_same(ways):
    def counted(place: Place) -> int:
        arguments = asked("messages", "How long is this?")
        arguments.pop("max_tokens")
        with place.claude() as client:
            return client.messages.count_tokens(**arguments).input_tokens

    assert counted(ways.bridged) == counted(ways.direct) > 0
    assert ways.bridge.records() == []


async def test_a_client_may_be_used_for_many_calls(ways):
    async with ways.bridged.async_claude() as client:
        for _ in range(3):
            stream = await client.messages.create(**asked("messages", "Hello.", stream=True))
            types = [event.type async for event in stream]
            assert (types[0], types[-1]) == ("message_start", "message_stop")
    assert len(ways.bridge.records()) == 3
