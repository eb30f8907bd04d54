"""Calls without a record, which fetch an answer that another had asked for, and end its record."""

import json
from typing import Any

import pytest

from aibridge.journal.contents import How
from aibridge.keeper.completing import NOTE
from aibridge.store.transfer.checking import disagreements
from tests.keeper.journals import Gateway, keep

RESPONSES: dict[str, Any] = {"provider": "openai", "route": "/v1/responses", "dialect": "responses"}
ASKED = json.dumps({"model": "m-1", "input": "Mend it.", "background": True}).encode()
FETCHED: dict[str, Any] = {
    "provider": "openai",
    "route": "/v1/responses/",
    "dialect": "responses",
    "body": b"",
}


def response(status: str) -> bytes:
    said: dict[str, Any] = {"id": "resp_1", "object": "response", "model": "m-1", "status": status}
    if status != "queued":
        said |= {
            "output": [
                {"type": "function_call", "call_id": "c", "name": "bash", "arguments": "{}"}
            ],
            "usage": {"input_tokens": 3, "output_tokens": 4},
        }
    return json.dumps(said).encode()


def queued(gateway: Gateway) -> str:
    """Write a call whose answer is made in the background, and return its id."""
    call = gateway.begin(body=ASKED, **RESPONSES)
    gateway.end(call, response("queued"))
    return call.id


def fetch(gateway: Gateway, id_: str, piece: bytes, **more: object) -> None:
    """Write a call that fetches its answer."""
    call = gateway.begin(completes=id_, **FETCHED)
    gateway.end(call, piece, **more)


@pytest.mark.parametrize("is_written", [True, False], ids=["before", "with it"])
def test_an_answer_that_is_fetched_completes_the_call_that_asked_for_it(
    gateway, root, database, rows, is_written
):
    """Be that written before, or in the same transaction."""
    id_ = queued(gateway)
    if is_written:
        keep(root, database)
        assert [row["status"] for row in rows("interceptions")] == ["queued"]
    for _ in range(3):
        fetch(gateway, id_, response("completed"))
    keep(root, database)
    (row,) = rows("interceptions")
    assert (row["id"], row["status"], row["notes"]) == (id_, "completed", f'["{NOTE}"]')
    assert [row["input_tokens"] for row in rows("token_usages")] == [3]
    assert len(rows("tool_usages")) == len(rows("user_prompts")) == 1
    with database.read() as connection:
        assert list(disagreements(connection)) == []


@pytest.mark.parametrize(
    ("piece", "more"),
    [
        (response("queued"), {}),
        (response("completed"), {"how": How.LEFT}),
        (response("completed"), {"how": How.FAILED, "error_type": "server_error"}),
        (b"no answer", {}),
        (b'{"error": {"message": "not found"}}', {"http_status": 404}),
    ],
)
@pytest.mark.parametrize("is_written", [True, False], ids=["before", "with it"])
def test_what_tells_no_end_completes_nothing(
    gateway, root, database, rows, piece, more, is_written
):
    id_ = queued(gateway)
    if is_written:
        keep(root, database)
    fetch(gateway, id_, piece, **more)
    keep(root, database)
    assert [row["status"] for row in rows("interceptions")] == ["queued"]


def test_what_is_not_on_record_is_completed_by_nothing(gateway, root, database, rows):
    fetch(gateway, "an id of nothing", response("completed"))
    keep(root, database)
    assert not rows("interceptions")


def test_a_call_that_fetches_and_never_ends_is_no_record(root, database, rows):
    with_it = Gateway(root)
    with_it.begin(completes="an id", **FETCHED)
    keep(root, database)
    with_it.stop()
    keep(root, database)
    assert not rows("interceptions")
