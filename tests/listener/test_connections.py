"""Connections of clients: how many there may be, and how long each may be waited for."""

import resource
from ipaddress import ip_network

import pytest

from aibridge.listener.connections import (
    FEWEST,
    HEAD_SECONDS,
    KEEP_ALIVE_SECONDS,
    SEND_SECONDS,
    Connections,
    Limits,
    affordable,
)


class Transport:
    """A transport that only remembers how it was closed."""

    def __init__(self):
        self.unsent = 0
        self.closed = ""

    def is_closing(self):
        return bool(self.closed)

    def get_write_buffer_size(self):
        return self.unsent

    def close(self):
        self.closed = "closed"

    def abort(self):
        self.closed = "aborted"


class Client:
    def __init__(self, host="192.0.2.1"):
        self.client = (host, 1) if host else None
        self.transport = Transport()

    @property
    def closed(self):
        return self.transport.closed


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def connections(clock, total=100, per_address=50, proxies=()):
    networks = tuple(ip_network(proxy) for proxy in proxies)
    return Connections(Limits(total, per_address, networks), clock)


def connect(connections, *hosts):
    clients = [Client(host) for host in hosts]
    assert all(connections.add(client) for client in clients)
    return clients


WAITS = {
    "connected": (lambda connections, client: None, HEAD_SECONDS),
    "in a head": (Connections.await_head, HEAD_SECONDS),
    "between requests": (Connections.await_request, KEEP_ALIVE_SECONDS),
}


@pytest.mark.parametrize("wait", WAITS)
def test_each_wait_for_a_client_has_its_limit(clock, wait):
    begin, seconds = WAITS[wait]
    found = connections(clock)
    (client,) = connect(found, "192.0.2.1")
    clock.now = 5.0
    begin(found, client)
    since = 0.0 if wait == "connected" else 5.0
    clock.now = since + seconds - 0.1
    found.sweep()
    assert not client.closed
    clock.now = since + seconds
    found.sweep()
    assert client.closed == "closed"


def test_what_is_served_has_no_limit(clock):
    found = connections(clock)
    (client,) = connect(found, "192.0.2.1")
    found.serve(client)
    clock.now = 1e6
    found.sweep()
    assert not client.closed


@pytest.mark.parametrize("state", ["unsent", "closing"])
def test_a_client_that_takes_nothing_cannot_delay_its_closing(clock, state):
    found = connections(clock)
    (client,) = connect(found, "192.0.2.1")
    found.await_request(client)
    if state == "unsent":
        client.transport.unsent = 1
    else:
        client.transport.close()
    clock.now = KEEP_ALIVE_SECONDS
    found.sweep()
    assert client.closed == "aborted"


def test_a_client_that_does_not_read_is_cut_off(clock):
    found = connections(clock)
    stuck, slow, quick = connect(found, *["192.0.2.1"] * 3)
    for client in (stuck, slow, quick):
        found.serve(client)
        client.transport.unsent = 1000
        found.await_reading(client)
    found.reads(quick)
    slow.transport.unsent = 999
    clock.now = SEND_SECONDS
    found.sweep()
    assert (stuck.closed, slow.closed, quick.closed) == ("aborted", "", "")
    clock.now = 2 * SEND_SECONDS
    found.sweep()
    assert (slow.closed, quick.closed) == ("aborted", "")


def test_who_is_waited_for_longest_makes_room_and_who_is_served_does_not(clock):
    found = connections(clock, total=5)
    served, silent, idle, body, unread = connect(found, *["192.0.2.1"] * 5)
    for client in (served, silent, idle, body, unread):
        found.serve(client)
    for at, wait, client in (
        (1.0, found.await_body, body),
        (2.0, found.await_reading, unread),
        (3.0, found.await_request, idle),
        (4.0, found.await_head, silent),
    ):
        clock.now = at
        wait(client)
    closed = []
    for _ in range(4):
        (newer,) = connect(found, "192.0.2.2")
        found.serve(newer)
        closed += [c for c in (served, silent, idle, body, unread) if c.closed and c not in closed]
    assert closed == [body, unread, idle, silent]
    assert {client.closed for client in closed} == {"aborted"}
    assert not found.add(Client())
    assert len(found) == 5


def test_what_closes_and_cannot_is_cut_off_although_nothing_was_waited_for(clock):
    found = connections(clock)
    (client,) = connect(found, "192.0.2.1")
    found.serve(client)
    client.transport.close()
    found.sweep()
    clock.now = HEAD_SECONDS
    found.sweep()
    assert client.closed == "aborted"


def test_a_crowd_that_keeps_connecting_does_not_keep_others_out(clock):
    """Whoever sends a request is served, however many connect and send nothing."""
    found = connections(clock, total=10, per_address=10)
    for number in range(1000):
        assert found.add(Client("192.0.2.1"))
        if number % 100 == 0:
            (user,) = connect(found, "198.51.100.1")
            found.serve(user)
            assert not user.closed
            found.remove(user)
    assert len(found) <= 10


@pytest.mark.parametrize(
    ("hosts", "most"),
    [
        (["192.0.2.1"] * 4, 2),
        (["2001:db8::1", "2001:db8::2", "2001:db8::3"], 2),  # one network
        (["2001:db8::1", "2001:db8:0:1::1", "2001:db8:0:2::1"], 3),
        (["10.1.0.1"] * 4, 4),  # the proxy's
        ([""] * 4, 4),  # a socket without addresses
    ],
)
def test_an_address_has_its_share(clock, hosts, most):
    found = connections(clock, per_address=2, proxies=["10.0.0.0/8"])
    clients = [Client(host) for host in hosts]
    for client in clients:
        if found.add(client):
            found.serve(client)
    assert len(found) == most


def test_an_address_over_its_share_makes_room_for_itself(clock):
    found = connections(clock, per_address=2)
    other, first, second = connect(found, "192.0.2.9", "192.0.2.1", "192.0.2.1")
    connect(found, "192.0.2.1")
    assert (other.closed, first.closed, second.closed) == ("", "aborted", "")


def test_nothing_is_kept_of_a_connection_that_is_closed(clock):
    found = connections(clock)
    clients = connect(found, *[f"192.0.2.{number}" for number in range(20)])
    for client in clients:
        found.await_reading(client)
        found.await_request(client)
        found.remove(client)
        found.remove(client)
    assert len(found) == 0
    kept = [value for name, value in vars(found).items() if name not in {"_limits", "_clock"}]
    assert not any(kept)


@pytest.mark.parametrize(
    ("limits", "most", "raised"),
    [((256, 4096), 1000, 2128), ((256, 1024), 448, 1024), ((64, 64), FEWEST, 64)],
)
def test_there_are_no_more_connections_than_files(monkeypatch, limits, most, raised):
    now = [limits]
    monkeypatch.setattr(resource, "getrlimit", lambda _: now[0])
    monkeypatch.setattr(resource, "setrlimit", lambda _, both: now.__setitem__(0, both))
    found = affordable(Limits(1000, 500))
    assert (found.total, now[0]) == (most, (raised, limits[1]))
    assert found.per_address <= found.total
