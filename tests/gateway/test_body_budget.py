"""Room for request bodies: bounded for all together and for each person."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.gateway.body_budget import BodyBudget, NoRoom, Room
from tests import bridge as bridges
from tests.bridge import ROUTES
from tests.gateway import samples
from tests.wire import Caller, ask, reply

LARGEST = 100
MOST = 1000


@pytest.fixture
def budget():
    return BodyBudget(MOST, LARGEST, patience_seconds=0)


async def test_all_together_have_so_much(budget):
    rooms = [await budget.room(f"user {number}", 100) for number in range(10)]
    with pytest.raises(NoRoom):
        await budget.room("another", 1)
    rooms[0].give_back()
    assert (await budget.room("another", 100)).size == 100


async def test_one_person_has_a_quarter(budget):
    for size in (100, 100, 50):
        await budget.room("greedy", size)
    with pytest.raises(NoRoom):
        await budget.room("greedy", 1)
    await budget.room("another", 100)


async def test_the_largest_body_always_has_room_alone():
    budget = BodyBudget(10, LARGEST, patience_seconds=0)
    with await budget.room("somebody", LARGEST), pytest.raises(NoRoom):
        await budget.room("somebody", 1)
    await budget.room("somebody", LARGEST)


async def test_who_waits_gets_what_is_given_back():
    budget = BodyBudget(MOST, LARGEST, patience_seconds=60)
    held = [await budget.room("ana", 50) for _ in range(5)]
    waiting = [asyncio.create_task(budget.room("ana", 100)) for _ in range(2)]
    await asyncio.sleep(0)
    held[0].give_back()
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    for room in held[1:]:
        room.give_back()
    assert [room.size for room in await asyncio.gather(*waiting)] == [100, 100]


async def test_a_body_of_unknown_length_grows_but_does_not_wait(budget):
    with await budget.room("ana", 10) as room:
        room.grow(5)
        assert room.size == 10
        room.grow(11)
        assert room.size == 20
        room.grow(90)
        assert budget.held == 90
        with pytest.raises(NoRoom):
            room.grow(300)
    assert budget.held == 0


async def test_who_gives_up_waiting_holds_nothing():
    budget = BodyBudget(MOST, LARGEST, patience_seconds=60)
    room = await budget.room("ana", 250)
    task = asyncio.create_task(budget.room("ana", 1))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    room.give_back()
    room.give_back()
    assert (budget.held, +budget._of) == (0, {})


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 400), st.booleans())))
async def test_it_never_gives_more_than_there_is(steps):
    budget = BodyBudget(MOST, LARGEST, patience_seconds=0)
    rooms: list[Room] = []
    for person, size, gives_back in steps:
        if gives_back and rooms:
            rooms.pop(0).give_back()
        try:
            rooms.append(await budget.room(person, size))
        except NoRoom:
            continue
        finally:
            assert budget.held == sum(room.size for room in rooms) <= MOST
    for room in rooms:
        room.give_back()
    assert (budget.held, +budget._of) == (0, {})


def test_bodies_that_do_not_end_keep_nobody_else_out(wire, serve, monkeypatch):
    """One token sends bodies of all that it may have, but for their ends."""
    wire.always(reply(b"{}"))
    mib = 1 << 20
    limits = {"max_body_bytes": mib, "max_buffered_bytes": 4 * mib}
    with serve(bridges.providers(wire.url), **limits) as bridge:
        monkeypatch.setattr(bridge.app._gateway._admission._budget, "_patience", 0.0)
        other = bridge.add_user("other")
        with Caller(bridge.url) as holder, Caller(bridge.url) as second:
            send_unfinished(bridge, holder, mib)
            assert holder.socket.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"  # it is being read
            send_unfinished(bridge, second, mib)
            refused = second.answer()
            assert refused.status == 503
            assert refused.values(b"retry-after") == [b"5"]
            assert b"too many requests in hand" in refused.body
            body = samples.encoded(samples.request("messages"))
            headers = [("x-api-key", other)]
            assert ask(bridge.url, ROUTES["messages"], headers=headers, body=body).status == 200


def send_unfinished(bridge, caller, size):
    """Send a request but for its body, and ask to be told when that is read."""
    connection = caller._connection
    connection.putrequest("POST", ROUTES["messages"])
    for name, value in bridge.headers(("content-length", str(size)), ("expect", "100-continue")):
        connection.putheader(name, value)
    connection.endheaders()
