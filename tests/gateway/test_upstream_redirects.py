"""Where a redirect leads, and which ones are not followed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.gateway.upstream import (
    Address,
    Destination,
    NotFollowed,
    RedirectRules,
    follow,
    is_redirect,
)

SECURE = Destination(Address("api.test", 443, tls=True), b"api.test", b"/v1/messages?beta=true")
PLAIN = Destination(Address("api.test", 8000, tls=False), b"api.test:8000", b"/v1/messages")
LISTED = RedirectRules(frozenset({"eu.test", "eu.test:8443", "api.test", "[::1]:9"}))
HTTP_TOO = RedirectRules(frozenset({"eu.test", "eu.test:8443", "api.test:8000"}), allow_http=True)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 306, 307, 308, 399])
def test_these_lead_elsewhere(status: int) -> None:
    assert is_redirect(status)


@pytest.mark.parametrize("status", [200, 204, 299, 304, 400, 401, 500])
def test_these_do_not(status: int) -> None:
    assert not is_redirect(status)


@pytest.mark.parametrize(
    ("status", "method", "origin", "rules", "location", "to", "target"),
    [
        (307, b"POST", SECURE, LISTED, b"https://eu.test/a?b=c#d", "https://eu.test", b"/a?b=c"),
        (308, b"POST", SECURE, LISTED, b"https://EU.test:443", "https://eu.test", b"/"),
        (308, b"DELETE", SECURE, LISTED, b"https://eu.test:8443/a", "https://eu.test:8443", b"/a"),
        (307, b"POST", SECURE, LISTED, b"//eu.test/a", "https://eu.test", b"/a"),
        (307, b"POST", SECURE, LISTED, b"https://x:y@eu.test/a", "https://eu.test", b"/a"),
        (307, b"POST", SECURE, LISTED, b"https://[::1]:9/a", "https://[::1]:9", b"/a"),
        (307, b"POST", SECURE, LISTED, b"/v1/other", "https://api.test", b"/v1/other"),
        (307, b"POST", SECURE, LISTED, b"other/../x", "https://api.test", b"/v1/x"),
        (301, b"GET", SECURE, LISTED, b"https://eu.test/a", "https://eu.test", b"/a"),
        (303, b"HEAD", SECURE, LISTED, b"https://eu.test/a", "https://eu.test", b"/a"),
        (307, b"POST", PLAIN, HTTP_TOO, b"http://eu.test/a", "http://eu.test", b"/a"),
        (307, b"POST", PLAIN, HTTP_TOO, b"https://eu.test/a", "https://eu.test", b"/a"),
        (307, b"POST", PLAIN, HTTP_TOO, b"/a", "http://api.test:8000", b"/a"),
    ],
)
def test_a_redirect_to_a_listed_host_is_followed(
    status: int,
    method: bytes,
    origin: Destination,
    rules: RedirectRules,
    location: bytes,
    to: str,
    target: bytes,
) -> None:
    found = follow(status, location, method, origin, rules)
    scheme = "https" if found.address.tls else "http"
    assert f"{scheme}://{found.authority.decode()}" == to
    assert found.target == target
    assert found.address.host in {"eu.test", "api.test", "::1"}


@pytest.mark.parametrize(
    ("status", "method", "rules", "location", "told"),
    [
        (307, b"POST", LISTED, b"https://evil.test/?token=x", "to evil.test, which is not listed"),
        (307, b"POST", LISTED, b"https://eu.test:99/", "to eu.test:99, which is not listed"),
        (307, b"POST", LISTED, b"https://eu.test@evil.test/", "to evil.test, which"),
        (307, b"POST", LISTED, b"https://eu.test.evil.test/", "to eu.test.evil.test, which"),
        (307, b"POST", LISTED, b"https://eu.test\\@evil.test/", "to evil.test, which"),
        (307, b"POST", LISTED, b"http://eu.test/a", "to eu.test without TLS"),
        (302, b"POST", LISTED, b"https://eu.test/a", "would lose the request's method"),
        (301, b"DELETE", LISTED, b"https://eu.test/a", "would lose the request's method"),
        (303, b"POST", LISTED, b"https://eu.test/a", "would lose the request's method"),
        (300, b"GET", LISTED, b"https://eu.test/a", "would lose the request's method"),
        (307, b"POST", RedirectRules(LISTED.hosts, followed=3), b"/", "after 3 other redirects"),
        (307, b"POST", RedirectRules(), b"/same/host", "to api.test, which is not listed"),
        (307, b"POST", LISTED, b"", "no address"),
        (307, b"POST", LISTED, b"http://", "no address"),
        (307, b"POST", LISTED, b"ftp://eu.test:443/", "no address"),
        (307, b"POST", LISTED, b"javascript:1", "no address"),
        (307, b"POST", LISTED, b"https://eu.test:x/", "no address"),
        (307, b"POST", LISTED, b"https://[eu.test/", "no address"),
        (307, b"POST", LISTED, b"https://eu.test/a b", "no address"),
        (307, b"POST", LISTED, b"https://eu.test/\xe9", "no address"),
    ],
)
def test_any_other_is_not(
    status: int, method: bytes, rules: RedirectRules, location: bytes, told: str
) -> None:
    with pytest.raises(NotFollowed) as caught:
        follow(status, location, method, SECURE, rules)
    assert told in str(caught.value)
    assert "token=x" not in str(caught.value)


@given(st.binary(max_size=60) | st.binary(max_size=40).map(b"https://eu.test".__add__))
def test_whatever_a_location_is_only_a_listed_host_gets_the_request(location: bytes) -> None:
    try:
        found = follow(307, location, b"POST", SECURE, LISTED)
    except NotFollowed:
        return
    assert found.address in {
        Address("eu.test", 443, tls=True),
        Address("eu.test", 8443, tls=True),
        Address("api.test", 443, tls=True),
    }
    assert found.target.startswith(b"/")
    assert not set(found.target) & set(b"\r\n ")
