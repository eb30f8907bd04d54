"""How many clients may be connected, and how long one may keep a connection without using it.

A connection costs a file descriptor and some kilobytes, and anybody can open one. So each has a
time limit wherever the bridge waits for its client, and when there are too many, the one that has
been waited for longest makes room for the next.
"""

import resource
from asyncio import Transport
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Protocol

import structlog

from aibridge.addresses import network_of

HEAD_SECONDS = 20.0
"""How long a client may take from connecting, or a request's first byte, to the last header."""
KEEP_ALIVE_SECONDS = 75.0
"""How long a connection may stay open between two requests, whatever comes that is none."""
SEND_SECONDS = 120.0
"""How long a client may take nothing of an answer that waits for it."""
SWEEP_SECONDS = 1.0

RESERVED_DESCRIPTORS = 128
"""File descriptors kept for the database, the journal and the log."""
FEWEST = 16
"""Connections that are accepted however few files the process may open."""

Network = IPv4Network | IPv6Network

_log = structlog.get_logger()


class Connection(Protocol):
    """What is known here of a client's connection."""

    transport: Transport
    client: tuple[str, int] | None


@dataclass(frozen=True, slots=True)
class Limits:
    """How many connections there may be, in all and from one address.

    ``proxies`` are exempt from the latter: all their clients come from one address.
    """

    total: int
    per_address: int
    proxies: tuple[Network, ...] = ()


class Connections:
    """The open connections of clients. Belongs to the event loop whose time ``clock`` tells.

    A connection is in a list as long as its client is waited for: to send a head, a body or the
    next request, or to take an answer. Each list has those first that have been in it for longest.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._open: dict[Connection, str] = {}
        self._of_address: Counter[str] = Counter()
        self._heads: dict[Connection, float] = {}
        self._idle: dict[Connection, float] = {}
        self._bodies: dict[Connection, float] = {}
        self._unread: dict[Connection, float] = {}
        self._unsent: dict[Connection, int] = {}

    def __len__(self) -> int:
        return len(self._open)

    def add(self, connection: Connection) -> bool:
        """Count a new connection; false if there is no room for it and it must be closed.

        Where there are too many, the one whose client has been waited for longest is closed for
        it.
        """
        address = self._address_of(connection)
        if len(self._open) >= self._limits.total and not self._evict(None):
            return False
        has_its_share = bool(address) and self._of_address[address] >= self._limits.per_address
        if has_its_share and not self._evict(address):
            return False
        self._open[connection] = address
        self._of_address[address] += 1
        self.await_head(connection)
        return True

    def remove(self, connection: Connection) -> None:
        """Forget a connection that is closed."""
        address = self._open.pop(connection, None)
        if address is None:
            return
        self._of_address[address] -= 1
        if not self._of_address[address]:
            del self._of_address[address]
        self.serve(connection)
        self.reads(connection)

    def await_head(self, connection: Connection) -> None:
        """Start the time limit of a request of which a part has come, and the rest has not."""
        self._list(connection, self._heads)

    def await_request(self, connection: Connection) -> None:
        """Start the time limit of a connection whose last request has been answered."""
        self._list(connection, self._idle)

    def await_body(self, connection: Connection) -> None:
        """Note that the body of a request is waited for, whose reader has a limit of its own."""
        self._list(connection, self._bodies)

    def serve(self, connection: Connection) -> None:
        """Set no limit to a connection while its request is served: it is the bridge's turn."""
        self._heads.pop(connection, None)
        self._idle.pop(connection, None)
        self._bodies.pop(connection, None)

    def _list(self, connection: Connection, waiting: dict[Connection, float]) -> None:
        """Put a connection at the end of one list, and into no other of a request's."""
        self.serve(connection)
        waiting[connection] = self._clock()

    def await_reading(self, connection: Connection) -> None:
        """Start the time limit of a client that is slow to read its answer."""
        self._unread[connection] = self._clock()
        self._unsent[connection] = connection.transport.get_write_buffer_size()

    def reads(self, connection: Connection) -> None:
        """Note that a client has caught up with its answer."""
        self._unread.pop(connection, None)
        self._unsent.pop(connection, None)

    def sweep(self) -> None:
        """Close the connections that are over a time limit."""
        now = self._clock()
        for waiting, seconds in ((self._heads, HEAD_SECONDS), (self._idle, KEEP_ALIVE_SECONDS)):
            for connection in _older(waiting, now - seconds):
                self._close(connection)
        for connection in _older(self._unread, now - SEND_SECONDS):
            self._check_reading(connection)
        for connection in self._open:  # closed with something that its client does not take
            if connection.transport.is_closing() and connection not in self._heads:
                self.await_head(connection)

    def _check_reading(self, connection: Connection) -> None:
        """Close a connection unless its client has taken something since it was last looked at."""
        unsent = self._unsent[connection]
        self.reads(connection)
        if connection.transport.get_write_buffer_size() < unsent:
            self.await_reading(connection)
        else:
            connection.transport.abort()

    def _evict(self, address: str | None) -> bool:
        """Cut off the client waited for longest, of an address if one is given."""
        longest: tuple[float, Connection] | None = None
        for waiting in (self._heads, self._idle, self._bodies, self._unread):
            for connection, since in waiting.items():
                if address is None or self._open[connection] == address:
                    if longest is None or since < longest[0]:
                        longest = since, connection
                    break
        if longest is None:
            return False
        longest[1].transport.abort()
        self.remove(longest[1])
        return True

    def _close(self, connection: Connection) -> None:
        """Close a connection; what its client has not taken of an answer does not hold that up."""
        self.serve(connection)
        transport = connection.transport
        if transport.is_closing() or transport.get_write_buffer_size():
            transport.abort()
        else:
            transport.close()

    def _address_of(self, connection: Connection) -> str:
        """Return what is counted together: an IPv4 address, an IPv6 network, "" for a proxy."""
        if connection.client is None:
            return ""
        host = connection.client[0]
        if is_among(host, self._limits.proxies):
            return ""
        return network_of(host)


def is_among(host: str, networks: Iterable[Network]) -> bool:
    """Whether an address lies in one of the networks."""
    return any(ip_address(host) in network for network in networks)


def affordable(limits: Limits) -> Limits:
    """Return the limits that this process can keep, having it open as many files as they take.

    A client's connection may need another one to a provider, so it takes two descriptors.
    """
    descriptors = _raise_descriptors(2 * limits.total + RESERVED_DESCRIPTORS)
    most = max((descriptors - RESERVED_DESCRIPTORS) // 2, FEWEST)
    if most >= limits.total:
        return limits
    _log.warning("connections_limited", most=most, wanted=limits.total, open_files=descriptors)
    return Limits(most, min(limits.per_address, max(most // 2, 1)), limits.proxies)


def _raise_descriptors(wanted: int) -> int:
    """Have this process open so many files, or as many as it may; return how many that is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft == resource.RLIM_INFINITY or soft >= allowed:
        return max(soft, allowed)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return allowed


def _older(waiting: dict[Connection, float], than: float) -> list[Connection]:
    """Return the connections at the head of a list that have been in it since before a time."""
    older = []
    for connection, since in waiting.items():
        if since > than:
            break
        older.append(connection)
    return older
