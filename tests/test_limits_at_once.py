"""A limit over several processes: hundreds of streams at once spend no more than it."""

import asyncio
import json
from collections import Counter
from contextlib import ExitStack
from typing import cast
from urllib.parse import urlsplit

import pytest
from sqlalchemy import func, select

from aibridge.budgets.limits import set_group_budget
from aibridge.identity.audit import Act
from aibridge.practice import Part, Script, Turn, serve
from aibridge.practice.script import Usage
from aibridge.prices.custom import CustomPrice
from aibridge.principals import EVERYONE
from aibridge.store.engine.database import Database
from aibridge.store.people import groups
from aibridge.store.schema.tables import allotments, daily_usage, token_usages
from aibridge.store.usage import model_prices
from tests.processes import MESSAGES, Home, until
from tests.wire import Wire

STREAMS = 500
AFFORDED = 100
COSTS = (100, 140, 60)
"""What answers cost, in micro-dollars, by the number of their prompt: a token costs one."""
LIMIT = AFFORDED * sum(COSTS) // len(COSTS)
AGAIN_SECONDS = 0.5
SCRIPT = Script(
    turns=tuple(
        Turn(
            when=f"prompt {number}",
            parts=(Part(text="A long story. " * 5),),
            usage=Usage(input=cost - 40, output=20, cache_read=15, cache_write=5),
            pause=0.001,
        )
        for number, cost in enumerate(COSTS)
    )
)


def body(number: int) -> dict[str, object]:
    said = [{"role": "user", "content": f"prompt {number}"}]
    return {"model": "m-1", "max_tokens": 20, "stream": True, "messages": said}


async def stream(url: str, token: str, number: int) -> int:
    """Ask until there is an answer, or the limit is spent; return the status."""
    place = urlsplit(url)
    sent = json.dumps(body(number)).encode()
    lines = (f"POST {MESSAGES} HTTP/1.1", f"host: {place.netloc}", f"x-api-key: {token}")
    head = "\r\n".join((*lines, f"content-length: {len(sent)}", "connection: close", "", ""))
    while True:
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        writer.write(head.encode() + sent)
        answer = await reader.read(-1)
        writer.close()
        status = int(answer.split(b" ", 2)[1])
        if status != 429:
            assert (status == 200) == (b"message_stop" in answer)
            return status
        await asyncio.sleep(AGAIN_SECONDS)


async def streams(urls: list[str], token: str) -> Counter[int]:
    """Have all streams run at once, spread over the bridges; return how many ended how."""
    return Counter(
        await asyncio.gather(
            *(
                stream(urls[number % len(urls)], token, number % len(COSTS))
                for number in range(STREAMS)
            )
        )
    )


def number_of(asked: bytes) -> int:
    """Return the number of the prompt that a request has."""
    return int(json.loads(asked)["messages"][0]["content"].removeprefix("prompt "))


def set_up(home: Home) -> None:
    database = Database(home.url)
    with database.write() as connection:
        everyone = groups.find_group(connection, EVERYONE)
        assert everyone is not None
        set_group_budget(Act(connection), everyone, LIMIT)
        model_prices.put_prices(connection, [CustomPrice("anthropic", "m-1", *[1_000_000] * 4)])
    database.close()


def sums(home: Home) -> tuple[int, int, int]:
    """Return what is on record as spent, by days and by usage rows, and what is allotted."""
    database = Database(home.url)
    columns = (daily_usage.c.cost_micros, token_usages.c.cost_micros, allotments.c.micros)
    with database.read() as connection:
        days, rows, held = (connection.scalar(select(func.sum(column))) for column in columns)
    database.close()
    return int(days or 0), int(rows or 0), int(held or 0)


@pytest.mark.timeout(180)
def test_hundreds_of_streams_at_once_spend_no_more_than_the_limit(databases, home, tmp_path):
    """Two bridges on PostgreSQL, two workers on SQLite; the bill is what the provider served."""
    with ExitStack() as running:
        practice = running.enter_context(serve(SCRIPT, keep=2 * STREAMS))
        provider = cast("Wire", practice)  # a bridge is told its url alone
        if databases.is_postgresql:
            other = Home(tmp_path / "other", home.url)
            other.folder.mkdir()
            here = running.enter_context(home.serving(provider))
            there = running.enter_context(other.serving(provider, new=False))
            urls = [here.url, there.url]
        else:
            here = running.enter_context(home.serving(provider, "--workers", "2"))
            urls = [here.url]
        set_up(home)
        ended = asyncio.run(streams(urls, here.token))
        bill = sum(COSTS[number_of(request.body)] for request in practice.requests)
        until(lambda: sums(home)[0] == bill)
        days, rows, _ = sums(home)
    assert set(ended) == {200, 403}
    assert ended[200] == len(practice.requests)
    assert days == rows == bill <= LIMIT
    assert bill > LIMIT - 1_300, "it stopped too early: no call can cost more"
