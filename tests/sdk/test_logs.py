"""The log of requests, in this process and on the standard error of another."""

import logging
import re
import subprocess
import sys

import httpx
import pytest

from aibridge.sdk import Client, ConnectionFailed, Misconfigured
from tests.sdk.conftest import TOKEN, URL, Clients

LINE = re.compile(r"^(GET|POST) (/\S+) status=(\d+|\w+) attempt=(\d) request_id=(\S+) ms=\d+$")
PASSWORD = "hunter2-hunter2"


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, ...]]:
    found = [LINE.match(record.getMessage()) for record in caplog.records]
    return [one.groups() for one in found if one]


def test_a_request_is_logged_with_its_status_attempt_and_id(
    clients: Clients, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "aibridge")
    statuses = iter([503, 200])

    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(next(statuses), json=[], headers={"x-request-id": "r-1"})

    clients.use(answer, "list_models", q="secret")
    path = "/api/v2/aibridge/models"
    assert lines(caplog) == [("GET", path, "503", "1", "r-1"), ("GET", path, "200", "2", "r-1")]
    assert {record.name for record in caplog.records} == {"aibridge"}
    assert "secret" not in caplog.text


def test_a_failed_connection_is_logged(clients: Clients, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "aibridge")

    def fail(_request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow")

    with pytest.raises(ConnectionFailed):
        clients.use(fail, "create_user", "ana", password=PASSWORD)
    assert lines(caplog) == [("POST", "/api/v2/users", "ReadTimeout", "1", "None")]


def test_neither_token_nor_password_nor_body_is_logged(
    clients: Clients, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "aibridge")

    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(400, json={"message": "body-of-the-answer"})

    for method, arguments in (
        ("set_user_password", ("ana", PASSWORD)),
        ("delete_token", ("Xh3kV9aQ0b-ch3uj0fIlQYAEun7jKw3da",)),
    ):
        with pytest.raises(Exception, match="body-of-the-answer"):
            clients.use(answer, method, *arguments)
    assert "/api/v2/users/ana/password" in caplog.text
    for secret in (PASSWORD, TOKEN, "ch3uj0fIlQYAEun7jKw3da", "body-of-the-answer"):
        assert secret not in caplog.text


def test_nothing_is_logged_where_nobody_asks_for_it(
    clients: Clients, capfd: pytest.CaptureFixture[str]
) -> None:
    clients.use(lambda _: httpx.Response(200, json=[]), "list_models")
    assert capfd.readouterr().err == ""


PROGRAM = """
import httpx, aibridge
answers = iter([503, 200])
transport = httpx.MockTransport(lambda _: httpx.Response(next(answers), json=[]))
for _ in range(2):
    client = aibridge.Client("http://bridge", "tok-secret", transport=transport, sleep=id)
client.list_models()
"""


@pytest.mark.parametrize(("level", "count"), [("info", 2), ("INFO", 2), ("debug", 5), ("", 0)])
def test_the_environment_has_requests_logged_to_standard_error(level: str, count: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={"AIBRIDGE_LOG": level},
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(done.stderr.splitlines()) == count
    assert done.stderr.count("status=200") == (1 if level else 0)
    assert "tok-secret" not in done.stderr
    assert done.stdout == ""


def test_a_level_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIBRIDGE_LOG", "verbose")
    with pytest.raises(Misconfigured, match="AIBRIDGE_LOG is info or debug"):
        Client(URL, TOKEN)
