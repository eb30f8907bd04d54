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
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise ListenError(f"cannot listen on {host} port {port}: {why}") from None
        yield sockets


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
