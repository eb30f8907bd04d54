"""Which headers pass: everything, but for those of one connection and those that are ours."""

from aibridge.providers.types import Auth

Headers = list[tuple[bytes, bytes]]

TOKEN_HEADERS = (b"x-ai-bridge-token", b"x-coder-ai-governance-token")
"""Carry the bridge's token where the others carry the caller's own credential."""
CREDENTIAL_HEADERS = (b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key")
"""May carry the bridge's token; what they carry otherwise is the caller's own credential."""

REMAINING = b"x-ai-bridge-budget-remaining-micros"
"""Says in answers what is left of limits."""

_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
_NEVER_SENT = _HOP_BY_HOP | {
    b"content-length",  # said anew for what is sent
    b"cookie",
    b"expect",
    b"forwarded",
    b"host",
    b"via",
    b"cf-connecting-ip",
    b"true-client-ip",
    b"x-client-ip",
    b"x-cluster-client-ip",
    b"x-real-ip",
    b"coder-session-token",
    *CREDENTIAL_HEADERS,
}
_NEVER_SENT_PREFIXES = (
    b"x-forwarded-",
    b"x-ai-bridge-",
    b"x-coder-ai-",
    b"x-coder-agent-firewall-",
)
_NEVER_ANSWERED = _HOP_BY_HOP | {b"set-cookie", REMAINING}
_WITHOUT_BODY = frozenset({204, 304})
"""Statuses whose answers have no body, whatever their length says (RFC 9110, section 6.4.1)."""


def request_head(
    method: bytes,
    target: bytes,
    authority: bytes,
    headers: Headers,
    credential: Headers,
    length: int,
) -> bytes:
    """Return the head of the upstream request, up to and with its blank line.

    ``target`` is the path and query, ``authority`` the provider's host (and port), ``credential``
    the headers to call it with, ``length`` the size of the body in bytes.
    """
    parts = [method, b" ", target, b" HTTP/1.1\r\nhost: ", authority, b"\r\n"]
    named = _named_by_connection(headers)
    for name, value in headers:
        if name in _NEVER_SENT or name in named or name.startswith(_NEVER_SENT_PREFIXES):
            continue
        parts += (name, b": ", value, b"\r\n")
    for name, value in credential:
        parts += (name, b": ", value, b"\r\n")
    if length or method in {b"POST", b"PUT", b"PATCH"}:
        parts.append(b"content-length: %d\r\n" % length)
    parts.append(b"\r\n")
    return b"".join(parts)


def answer_headers(status: int, headers: Headers) -> Headers:
    """Return the provider's headers that the client gets: all but those of the connection.

    Of an answer that has no body the length goes too: the server would wait for that many bytes.
    """
    named = _named_by_connection(headers)
    if status in _WITHOUT_BODY:
        named |= {b"content-length"}
    return [item for item in headers if item[0] not in _NEVER_ANSWERED and item[0] not in named]


def provider_credential(auth: Auth, key: str) -> Headers:
    """Return the header by which a configured key is sent."""
    if auth is Auth.BEARER:
        return [(b"authorization", b"Bearer " + key.encode())]
    return [(auth.value.encode(), key.encode())]


def _named_by_connection(headers: Headers) -> frozenset[bytes]:
    """Return the headers that ``Connection`` names as belonging to this connection only."""
    named = [value for name, value in headers if name == b"connection"]
    if not named:
        return frozenset()
    return frozenset(token.strip().lower() for value in named for token in value.split(b","))
