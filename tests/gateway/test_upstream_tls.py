"""The HTTP client over TLS: certificates are checked, by name and by authority."""

import asyncio
import ssl
import threading

import pytest
import trustme

from aibridge.gateway.upstream import Address, ConnectFailed, Pool, Timeouts
from tests.gateway.upstream import body_of
from tests.wire import Then, Wire, reply

PLENTY = Timeouts(10.0, 10.0, 10.0)
HEAD = b"GET /x HTTP/1.1\r\nhost: h\r\n\r\n"


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


def listening(authority: trustme.CA, name: str) -> Wire:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return Wire(context)


async def ask(wire: Wire, tls: ssl.SSLContext) -> bytes:
    pool = Pool(PLENTY, tls)
    try:
        address = Address("127.0.0.1", wire.port, tls=True)
        bodies = [await body_of(await pool.send(address, b"GET", HEAD, b"")) for _ in range(2)]
        return b"".join(bodies)
    finally:
        pool.close()
        await asyncio.sleep(0)


async def test_a_provider_with_a_good_certificate_is_asked(authority):
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with listening(authority, "127.0.0.1") as wire:
        wire.always(reply(b"ok"))
        assert await ask(wire, trusting) == b"okok"
        assert wire.accepted == 1


async def test_a_certificate_of_an_unknown_authority_is_refused(authority):
    with listening(authority, "127.0.0.1") as wire:
        with pytest.raises(ConnectFailed, match=r"certificate"):
            await ask(wire, ssl.create_default_context())
        assert not wire.requests


async def test_a_certificate_of_another_name_is_refused(authority):
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with listening(authority, "elsewhere.test") as wire:
        with pytest.raises(ConnectFailed, match=r"certificate|mismatch"):
            await ask(wire, trusting)
        assert not wire.requests


async def test_a_provider_that_speaks_no_tls_is_refused():
    async def speak(reader, writer):
        writer.write(reply(b"in clear"))
        await reader.read()
        writer.close()

    pool = Pool(Timeouts(10.0, 10.0, 10.0))
    async with await asyncio.start_server(speak, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ConnectFailed, match="SSL"):
            await pool.send(Address("127.0.0.1", port, tls=True), b"GET", HEAD, b"")
    pool.close()


async def test_a_kept_connection_that_was_closed_is_not_written_to(authority):
    """What is readable beneath the TLS, its farewell or the end, is seen before the loop's turn."""
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    go = threading.Event()
    pool = Pool(PLENTY, trusting)
    with listening(authority, "127.0.0.1") as wire:
        address = Address("127.0.0.1", wire.port, tls=True)
        wire.play(reply(b"ok"), go, Then.CLOSE)
        wire.play(reply(b"new"))
        await body_of(await pool.send(address, b"POST", HEAD, b""))
        ((kept,),) = pool._idle.values()
        go.set()
        assert wire.requests[0].gone.wait(20)  # in the loop's thread, which so sees nothing of it
        assert kept.usable
        response = await pool.send(address, b"POST", HEAD, b"")
        assert (await body_of(response), response.sends, wire.accepted) == (b"new", 1, 2)
        pool.close()
        await asyncio.sleep(0)
