"""A request as it came and a reply as it will go: what the app and its desk hand each other."""

import secrets
import threading
from dataclasses import dataclass, field
from functools import cached_property

from aibridge.practice.answer import KEY
from aibridge.practice.encodings import expand

RawHeaders = list[tuple[bytes, bytes]]

_CREDENTIALS = ("authorization", "x-api-key", "api-key", "x-goog-api-key")
_KEY = KEY.encode()


@dataclass(eq=False)
class Request:
    """A request, byte for byte as it came; header names are in lower case.

    ``gone`` is set when the client left before a delayed or paused answer was over.
    """

    method: str
    path: str
    query: str
    headers: RawHeaders
    body: bytes
    gone: threading.Event = field(default_factory=threading.Event, repr=False)

    def header(self, name: str) -> str:
        """Return the header's value, empty without one; ``name`` is in lower case."""
        return self._values.get(name.encode("latin-1"), b"").decode("latin-1")

    @cached_property
    def _values(self) -> dict[bytes, bytes]:
        return dict(self.headers)

    @property
    def credential(self) -> str:
        """What the client authenticates with, empty if it does not."""
        return next((value for name in _CREDENTIALS if (value := self.header(name))), "")

    def content(self) -> bytes:
        """Return the body without its content encoding; raise `ValueError` if it is broken."""
        encoding = self.header("content-encoding")
        return expand(encoding, self.body) if encoding else self.body


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply to send: ``frames`` one by one, ``pause`` seconds apart, ``delay`` before all.

    A ``cut`` reply ends with the connection, before its end was said.
    """

    status: int
    headers: RawHeaders
    frames: tuple[bytes, ...] = ()
    delay: float = 0.0
    pause: float = 0.0
    cut: bool = False


def fresh_key() -> bytes:
    """Make up what tells one reply's ids from another's, as long as `KEY`."""
    return secrets.token_hex(len(KEY) // 2).encode()


def keyed(frame: bytes, key: bytes) -> bytes:
    """Put a reply's own ``key`` where its wording left room for it."""
    return frame.replace(_KEY, key)


def headers(dialect: str, key: bytes) -> RawHeaders:
    """Return the headers that the dialect's provider sends with every answer."""
    return [(name, keyed(value, key)) for name, value in _HEADERS[dialect]]


_OPENAI_HEADERS = [
    (b"x-request-id", b"req_%b" % _KEY),
    (b"openai-organization", b"practice"),
    (b"openai-processing-ms", b"12"),
    (b"openai-version", b"2020-10-01"),
    (b"x-ratelimit-limit-requests", b"10000"),
    (b"x-ratelimit-remaining-requests", b"9999"),
    (b"x-ratelimit-reset-requests", b"6ms"),
    (b"x-ratelimit-limit-tokens", b"2000000"),
    (b"x-ratelimit-remaining-tokens", b"1999000"),
    (b"x-ratelimit-reset-tokens", b"30ms"),
]
_ANTHROPIC_HEADERS = [
    (b"request-id", b"req_01%b" % _KEY),
    (b"anthropic-organization-id", b"00000000-0000-4000-8000-000000000000"),
    (b"anthropic-ratelimit-requests-limit", b"4000"),
    (b"anthropic-ratelimit-requests-remaining", b"3999"),
    (b"anthropic-ratelimit-requests-reset", b"2030-01-01T00:00:00Z"),
    (b"anthropic-ratelimit-input-tokens-limit", b"2000000"),
    (b"anthropic-ratelimit-input-tokens-remaining", b"1999000"),
    (b"anthropic-ratelimit-input-tokens-reset", b"2030-01-01T00:00:00Z"),
    (b"anthropic-ratelimit-output-tokens-limit", b"400000"),
    (b"anthropic-ratelimit-output-tokens-remaining", b"399000"),
    (b"anthropic-ratelimit-output-tokens-reset", b"2030-01-01T00:00:00Z"),
]
_HEADERS = {
    "messages": _ANTHROPIC_HEADERS,
    "chat": _OPENAI_HEADERS,
    "responses": _OPENAI_HEADERS,
}
