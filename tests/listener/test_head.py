"""Heads of requests: what they show, whose they are, and how they look without an upgrade."""

import asyncio
from typing import Any

import pytest
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from aibridge.listener.head import RequestHead, client_ip, without_upgrade

ADDRESSES = [
    ([], "192.0.2.1", ["203.0.113.9"], "192.0.2.1"),
    (["198.51.100.0/24"], "192.0.2.1", ["203.0.113.9"], "192.0.2.1"),
    (["192.0.2.1"], "192.0.2.1", ["203.0.113.9"], "203.0.113.9"),
    (["192.0.2.0/24"], "192.0.2.1", ["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
    (["192.0.2.0/24"], "192.0.2.1", ["198.51.100.1", "203.0.113.9"], "203.0.113.9"),
    (["192.0.2.1", "203.0.113.9"], "192.0.2.1", ["10.0.0.1, 203.0.113.9"], "10.0.0.1"),
    (["192.0.2.1", "203.0.113.9"], "192.0.2.1", ["203.0.113.9"], "203.0.113.9"),
    (["192.0.2.1"], "192.0.2.1", ["203.0.113.9:4711"], "203.0.113.9"),
    (["192.0.2.1"], "192.0.2.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
    (["192.0.2.1"], "192.0.2.1", ["2001:db8::1"], "2001:db8::1"),
    (["192.0.2.1"], "192.0.2.1", ["unknown \xff"], "unknown \xff"),
    (["192.0.2.1"], "192.0.2.1", [""], "192.0.2.1"),
    (["192.0.2.1"], "192.0.2.1", [], "192.0.2.1"),
    (["192.0.2.1"], None, ["203.0.113.9"], ""),
]


@pytest.mark.parametrize(("trusted", "peer", "forwarded", "ip"), ADDRESSES)
def test_the_address_of_a_client_is_the_one_that_asgi_has(trusted, peer, forwarded, ip):
    headers = [(b"x-forwarded-for", value.encode("latin-1")) for value in forwarded]
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["client"])

    proxies = ProxyHeadersMiddleware(app, trusted) if trusted else None
    client = (peer, 1) if peer else None
    scope: Any = {"type": "http", "client": client, "headers": headers, "scheme": "http"}
    by_asgi: Any = proxies or app
    asyncio.run(by_asgi(scope, None, None))
    assert (seen[0] or ("",))[0] == ip
    assert client_ip(client, headers, proxies) == ip


def test_a_head_does_not_show_the_token():
    head = RequestHead(b"GET", b"/a", b"key=secret", [(b"x-api-key", b"secret")], "192.0.2.1")
    assert repr(head) == "RequestHead(b'GET', b'/a')"


@pytest.mark.parametrize(
    ("headers", "left"),
    [
        ([(b"connection", b"upgrade")], b"connection: \r\n"),
        ([(b"connection", b"close,  UPGRADE , x")], b"connection: close, x\r\n"),
        ([(b"proxy-connection", b"upgrade")], b"proxy-connection: \r\n"),
        ([(b"upgrade", b"websocket"), (b"a", b"upgrade")], b"upgrade: websocket\r\na: upgrade\r\n"),
    ],
)
def test_only_the_wish_for_an_upgrade_is_taken_out(headers, left):
    assert without_upgrade(b"POST", b"/a?b", b"1.1", headers) == (
        b"POST /a?b HTTP/1.1\r\n" + left + b"\r\n"
    )
