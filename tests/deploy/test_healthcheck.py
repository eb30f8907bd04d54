import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import trustme

from deploy.healthcheck import main


class Bridge(HTTPServer):
    """Answers ``/healthz`` with a status, for as long as it is entered."""

    status = 200

    def handle_error(self, *_: object) -> None:
        """Say nothing of a client that speaks another protocol."""


class Handler(BaseHTTPRequestHandler):
    server: Bridge

    def do_GET(self) -> None:
        self.send_response(self.server.status if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def bridge(status: int, *, tls: bool = False) -> Iterator[int]:
    server = Bridge(("127.0.0.1", 0), Handler)
    server.status = status
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("bridge.example.com").configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize(("status", "expected"), [(200, 0), (503, 1)])
def test_a_bridge_lives_if_it_says_so_with_or_without_tls(
    monkeypatch: pytest.MonkeyPatch, status: int, expected: int, tls: bool
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # a proxy is for what is outside
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with bridge(status, tls=tls) as port:
        monkeypatch.setenv("AIBRIDGE_PORT", str(port))
        assert main() == expected


def test_where_nobody_listens_nobody_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # and does not listen
        monkeypatch.setenv("AIBRIDGE_PORT", str(unused.getsockname()[1]))
        assert main() == 1
