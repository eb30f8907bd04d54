"""The sockets on which the bridge listens."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

BACKLOG = 4096
"""Connections that may wait to be accepted."""


class ListenError(Exception):
    """The bridge cannot listen as it is told to; the text says where and why."""


@contextmanager
def bound(host: str, port: int) -> Iterator[list[socket.socket]]:
    """Yield sockets bound to all addresses of a host; nobody can connect until they listen.

    Port 0 is any free one, of the first address alone. Raises `ListenError`.
    """
    with ExitStack() as undo:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            addresses = list(dict.fromkeys((family, address) for family, *_, address in found))
            sockets = [
                undo.enter_context(closing(_bind(family, address)))
                for family, address in addresses[: None if port else 1]
            ]
        except (OSError, OverflowError, UnicodeError) as error:
            raise _refused(host, port, error) from None
        yield sockets


def listen(sockets: list[socket.socket]) -> None:
    """Have clients connect to bound sockets; they wait until something accepts them.

    Raises `ListenError` where another program listens there: two may be bound to one address.
    """
    for one in sockets:
        host, port = one.getsockname()[:2]
        try:
            one.listen(BACKLOG)
        except OSError as error:
            raise _refused(host, port, error) from None


def _refused(host: str, port: int, error: Exception) -> ListenError:
    if isinstance(error, UnicodeError):
        return ListenError(f"cannot listen on {host}: that is not the name of a host")
    why = getattr(error, "strerror", None) or str(error)
    return ListenError(f"cannot listen on {host} port {port}: {why[:1].lower()}{why[1:]}")


def _bind(family: socket.AddressFamily, address: object) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:  # IPv4 has a socket of its own
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(address)  # type: ignore[arg-type]
    except OSError:
        made.close()
        raise
    return made
