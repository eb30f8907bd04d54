"""Who the client is behind proxies: what a trusted one says counts, and nobody else's word."""

import pytest

from tests import bridge as bridges
from tests.wire import ask

LOGIN = "/api/v2/users/login"


def address_on_record(folder, trusted, *headers):
    """Return the address that the audit log has of a login that failed."""
    with bridges.serve(folder, [], trusted_proxies=trusted) as run:
        body = b'{"email": "ana", "password": "wrong"}'
        more = [("content-type", "application/json"), *headers]
        assert ask(run.url, LOGIN, headers=more, body=body).status == 401
        (entry,) = [row for row in run.rows("audit_log") if row["action"] == "login"]
        return entry["ip"]


@pytest.mark.parametrize(
    ("trusted", "forwarded", "address"),
    [
        ([], ["203.0.113.9"], "127.0.0.1"),
        (["192.0.2.0/24"], ["203.0.113.9"], "127.0.0.1"),
        (["127.0.0.1"], ["203.0.113.9"], "203.0.113.9"),
        (["127.0.0.0/8"], ["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
        (["127.0.0.0/8"], ["198.51.100.1", "203.0.113.9"], "203.0.113.9"),
        (["127.0.0.0/8", "203.0.113.9"], ["198.51.100.1, 203.0.113.9"], "198.51.100.1"),
        (["127.0.0.1"], ["2001:db8::1"], "2001:db8::1"),
        (["127.0.0.1"], [], "127.0.0.1"),
    ],
)
def test_the_address_is_the_last_that_no_trusted_proxy_has(tmp_path, trusted, forwarded, address):
    headers = [("x-forwarded-for", value) for value in forwarded]
    assert address_on_record(tmp_path, trusted, *headers) == address
