"""Responses in the background: queued, polled, streamed later, cancelled, unknown."""

import json

import httpx
import openai
import pytest

from aibridge.practice import Part, Script, Turn, serve
from aibridge.practice.asked import READERS
from aibridge.practice.background import Background

TOOLS = [{"type": "function", "name": "bash", "parameters": {"required": ["command"]}}]
ASKED = {"model": "gpt-5", "input": "hi", "background": True, "tools": TOOLS}
SCRIPT = Script(turns=(Turn(parts=(Part(text="Wait."), Part(tool="*")), polls=2),))


@pytest.fixture
def client():
    headers = {"x-api-key": "k"}
    with serve(SCRIPT) as practice, httpx.Client(base_url=practice.url, headers=headers) as client:
        yield client


def events(answer):
    lines = answer.text.splitlines()
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data")]


def started(client, **more):
    return client.post("/v1/responses", json={**ASKED, **more}).json()


def test_it_is_queued_and_then_completed_with_its_calls_and_tokens(client):
    first = started(client)
    path = f"/v1/responses/{first['id']}"
    polled = [client.get(path).json() for _ in range(4)]
    states = [first, *polled]
    assert [each["status"] for each in states] == [
        "queued", "queued", "in_progress", "completed", "completed",
    ]  # fmt: skip
    assert {each["id"] for each in states} == {first["id"]}
    assert [bool(each["usage"]) for each in states] == [False, False, False, True, True]
    assert [item["type"] for item in polled[2]["output"]] == ["message", "function_call"]
    assert all(each["background"] for each in states)


def test_its_stream_can_be_read_later_and_from_the_middle(client):
    first = started(client)
    path = f"/v1/responses/{first['id']}"
    whole = events(client.get(path, params={"stream": "true"}))
    assert [event["type"] for event in whole[:3]] == [
        "response.created", "response.queued", "response.in_progress",
    ]  # fmt: skip
    assert whole[-1]["response"] == client.get(path).json()
    rest = events(client.get(path, params={"stream": "true", "starting_after": "4"}))
    assert rest == whole[5:]


def test_it_may_be_streamed_from_the_beginning(client):
    streamed = events(client.post("/v1/responses", json={**ASKED, "stream": True}))
    last = streamed[-1]["response"]
    assert last["status"] == "completed"
    assert client.get(f"/v1/responses/{last['id']}").json() == last


def test_it_can_be_cancelled_until_it_is_completed(client):
    first, second = started(client), started(client)
    for _ in range(3):
        client.get(f"/v1/responses/{second['id']}")
    for response, status in ((first, "cancelled"), (second, "completed")):
        path = f"/v1/responses/{response['id']}"
        assert client.post(f"{path}/cancel").json()["status"] == status
        assert client.get(path, params={"stream": "maybe"}).json()["status"] == status


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/responses/resp_0", 404),
        ("POST", "/v1/responses/resp_0/cancel", 404),
        ("DELETE", "/v1/responses/resp_0", 404),
        ("GET", "/v1/responses/resp_0/input_items", 404),
    ],
)
def test_what_is_not_there_is_refused(client, method, path, status):
    assert client.request(method, path).status_code == status


def test_only_the_last_ones_are_kept():
    background = Background(0)
    asked = READERS["responses"](json.dumps(ASKED).encode())
    replies = [background.start(SCRIPT.turns[0], asked) for _ in range(101)]
    names = [json.loads(reply.frames[0])["id"] for reply in replies]
    assert background.fetch(names[1], "").status == 200
    with pytest.raises(KeyError):
        background.fetch(names[0], "")


def test_the_sdk_polls_and_streams_it():
    with (
        serve(SCRIPT) as practice,
        openai.OpenAI(base_url=f"{practice.url}/v1", api_key="k", max_retries=0) as gpt,
    ):
        first = gpt.responses.create(model="gpt-5", input="hi", background=True)
        kinds = [event.type for event in gpt.responses.retrieve(first.id, stream=True)]
        assert kinds[-1] == "response.completed"
        assert gpt.responses.retrieve(first.id).status == "completed"
