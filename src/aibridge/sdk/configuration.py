"""Where AI Bridge is and who asks, checked before anything is sent."""

import os
from dataclasses import dataclass, field

import httpx

from aibridge import __version__
from aibridge.sdk.errors import Misconfigured

URL = "AIBRIDGE_URL"
TOKEN = "AIBRIDGE_TOKEN"  # noqa: S105 - the name of the variable
LOCAL = "http://127.0.0.1:4000"
TIMEOUT = 30.0
"""Seconds for connecting, and for each pause of the answer."""


TOKEN_HEADER = "Coder-Session-Token"  # noqa: S105 - the name of the header


class Anonymous(str):
    """Stands for the token of who has none yet: they are about to log in."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Configuration:
    """A checked URL and token; the token does not show, and is empty of who has none."""

    url: httpx.URL
    token: str = field(repr=False)

    def headers(self) -> dict[str, str]:
        """Return the headers of every request."""
        headers = {
            "Accept": "application/json",
            "User-Agent": f"aibridge-python/{__version__}",
        }
        return headers | ({TOKEN_HEADER: self.token} if self.token else {})


def configure(url: str | None, token: str | None) -> Configuration:
    """Return what was given, else what the environment says. Raises `Misconfigured`."""
    if url is None:
        url = os.environ.get(URL) or LOCAL
    if token is None:
        token = os.environ.get(TOKEN, "")
    return Configuration(_checked_url(url), _checked_token(token))


def _checked_url(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise Misconfigured(f"the URL of AI Bridge is none: {error}") from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise Misconfigured("the URL of AI Bridge has to begin with http:// or https:// and a host")
    return url


def _checked_token(text: str) -> str:
    if isinstance(text, Anonymous):
        return ""
    if not text:
        raise Misconfigured(f"no token: pass one, or set {TOKEN}")
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise Misconfigured("the token holds characters that no token has")
    return text
