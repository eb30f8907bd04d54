"""Where AI Bridge is, who asks and how: checked before anything is sent."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

import httpx
from pydantic import Field

from aibridge import __version__
from aibridge.sdk import logs
from aibridge.sdk.arguments import Count, Seconds, Wait, checked
from aibridge.sdk.errors import Misconfigured
from aibridge.sdk.names import NOT_GIVEN, NotGiven
from aibridge.sdk.retries import Retries

URL = "AIBRIDGE_URL"
TOKEN = "AIBRIDGE_TOKEN"  # noqa: S105 - the name of the variable
LOCAL = "http://127.0.0.1:4000"
TIMEOUT = 30.0
"""Seconds for connecting, and for each pause of the answer."""

TOKEN_HEADER = "Coder-Session-Token"  # noqa: S105 - the name of the header

HeaderName = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
HeaderText = Annotated[str, Field(pattern=r"^[\t\x20-\x7e]*$")]
Headers = Mapping[HeaderName, HeaderText]
"""Headers that a caller adds to requests: ASCII."""

TimeoutOption = Seconds | httpx.Timeout | None
"""Seconds, for connecting and for each pause of an answer; ``None`` waits for ever."""

_OWN_HEADERS = {"Accept": "application/json", "User-Agent": f"aibridge-python/{__version__}"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where AI Bridge is, with the name and password that its URL had for a proxy before it."""

    url: httpx.URL
    auth: httpx.BasicAuth | None = field(default=None, repr=False)

    def at(self, path: str) -> httpx.URL:
        """Return the URL of a path of the API."""
        raw = self.url.raw_path.partition(b"?")[0].rstrip(b"/") + path.encode()
        return self.url.copy_with(raw_path=raw)


@dataclass(frozen=True, slots=True)
class Options:
    """How requests are sent, as one client or one copy of it says."""

    timeout: TimeoutOption | NotGiven = NOT_GIVEN
    headers: httpx.Headers = field(default_factory=httpx.Headers, repr=False)
    retries: Retries = field(default_factory=Retries)

    @checked
    def changed(
        self,
        *,
        timeout: TimeoutOption | NotGiven = NOT_GIVEN,
        headers: Headers | None = None,
        retries: Count | None = None,
        max_retry_after: Wait | None = None,
    ) -> "Options":
        """Return these options with what is given instead; headers are added to those there are.

        Raises `WrongArgument`.
        """
        together = httpx.Headers(self.headers)
        together.update(headers)
        return Options(
            self.timeout if isinstance(timeout, NotGiven) else timeout,
            together,
            Retries(
                self.retries.most if retries is None else retries,
                self.retries.max_retry_after if max_retry_after is None else max_retry_after,
            ),
        )

    def headers_with(self, token: str, *, has_body: bool) -> httpx.Headers:
        """Return the headers of a request; the caller's own come before ours."""
        found = httpx.Headers(_OWN_HEADERS)
        if token:
            found[TOKEN_HEADER] = token
        if has_body:
            found["Content-Type"] = "application/json"
        found.update(self.headers)
        return found


@checked
def configure(url: str | None, token: str | None) -> tuple[Place, str]:
    """Return where the bridge is and a token, as given, else as the environment says.

    Raises `Misconfigured`, and `WrongArgument` for other types.
    """
    logs.set_up(os.environ.get(logs.VARIABLE, ""))
    if url is None:
        url = os.environ.get(URL) or LOCAL
    if token is None:
        token = os.environ.get(TOKEN, "")
    return _place(url), _checked_token(token)


def _place(text: str) -> Place:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:  # its text may repeat a password
        raise Misconfigured(
            "the URL of AI Bridge is none; a password in it is percent-encoded"
        ) from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise Misconfigured("the URL of AI Bridge has to begin with http:// or https:// and a host")
    if url.query or url.fragment:
        raise Misconfigured("the URL of AI Bridge has no query and no fragment")
    auth = httpx.BasicAuth(url.username, url.password) if url.userinfo else None
    return Place(url.copy_with(userinfo=b""), auth)


def _checked_token(text: str) -> str:
    if not text:
        raise Misconfigured(f"no token: pass one, or set {TOKEN}")
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise Misconfigured("the token holds characters that no token has")
    return text
