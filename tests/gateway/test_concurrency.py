"""Many at once: everybody gets their own answer, and the record tells them apart."""

import asyncio
import json

from tests import bridge as bridges
from tests.bridge import ROUTES
from tests.gateway import samples
from tests.wire import chunk

STREAMS = 200
LINES = 20


async def provide(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer each request with a stream of its own prompt, line by line."""
    while not reader.at_eof():
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            break
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = json.loads(await reader.readexactly(length))
        name = body["messages"][0]["content"]
        events = samples.EVENTS["messages"]
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
            b"transfer-encoding: chunked\r\n\r\n" + chunk(events[0])
        )
        for number in range(LINES):
            writer.write(chunk(f": {name} {number}\n\n".encode()))
            await writer.drain()
            await asyncio.sleep(0)
        writer.write(chunk(b"".join(events[1:])) + b"0\r\n\r\n")
    writer.close()


async def ask(bridge, name: str) -> bytes:
    """Make a request on a connection of its own and return the answer's bytes."""
    host, port = bridge.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = json.dumps(
        samples.request("messages", name, stream=True, tools=samples.TOOLS["messages"])
    ).encode()
    writer.write(
        f"POST {ROUTES['messages']} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n"
        f"x-api-key: {bridge.token}\r\nx-claude-code-session-id: {name}\r\n"
        f"user-agent: claude-cli/2\r\ncontent-length: {len(body)}\r\n\r\n".encode()
        + body
    )
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def content(answer: bytes) -> bytes:
    """Return the body of a chunked answer."""
    body, rest = b"", answer.partition(b"\r\n\r\n")[2]
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return body


async def test_streams_side_by_side_do_not_mix(serve):
    async with await asyncio.start_server(provide, "127.0.0.1", backlog=STREAMS) as server:
        port = server.sockets[0].getsockname()[1]
        with serve(bridges.providers(f"http://127.0.0.1:{port}")) as bridge:
            names = [f"caller-{number}" for number in range(STREAMS)]
            answers = await asyncio.gather(*(ask(bridge, name) for name in names))
            events = samples.EVENTS["messages"]
            for name, answer in zip(names, answers, strict=True):
                lines = b"".join(f": {name} {number}\n\n".encode() for number in range(LINES))
                assert content(answer) == events[0] + lines + b"".join(events[1:])
            records = bridge.records()
            sessions = bridge.rows("sessions")
    assert len(records) == STREAMS
    assert {record.status for record in records} == {"completed"}
    assert {record.prompts[0]["prompt"] for record in records} == set(names)
    assert {len(record.usages) for record in records} == {1}
    assert {session["interceptions"] for session in sessions} == {1}
    assert {session["id"]: session["last_prompt"] for session in sessions} == dict(
        zip(names, names, strict=True)
    )
