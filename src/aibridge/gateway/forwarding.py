"""What of a client's request is forwarded beside the credential that the call is made with.

With a configured key no other credential is, nor what chooses whose account is charged. A token of
the bridge never is.
"""

import base64
import binascii
import re
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from aibridge.gateway.headers import Headers
from aibridge.gateway.refusal import Refusal
from aibridge.identity.tokens import holds_token

Accounts = frozenset[bytes] | None
"""What chooses an account, of the provider's type; `None` for a caller's own credential."""

CREDENTIAL_ENDINGS = (
    b"-access-key",
    b"-api-key",
    b"-apikey",
    b"-assertion",
    b"-auth",
    b"-auth-key",
    b"-authorization",
    b"-credential",
    b"-credentials",
    b"-functions-key",
    b"-jwt",
    b"-master-key",
    b"-password",
    b"-secret",
    b"-secret-key",
    b"-subscription-key",
    b"-token",
    b"-virtual-key",
)
"""How the names of headers end that carry a credential, as `_plain` writes them."""

CREDENTIAL_NAMES = frozenset(
    {
        b"access-token",
        b"api-key",
        b"apikey",
        b"auth",
        b"authorization",
        b"cf-access-client-id",
        b"key",
        b"oauth-token",
        b"password",
        b"secret",
        b"subscription-key",
        b"token",
        b"x-amz-credential",
        b"x-amz-security-token",
        b"x-amz-signature",
        b"x-api-key",
        b"x-auth",
        b"x-auth-email",
        b"x-bf-vk",
        b"x-goog-api-key",
    }
)
"""Names of headers and of parameters in the query that carry a credential."""

_BASIC = b"basic "
_BASIC_BEGINS = (b"b", b"B")
_LONGEST_REMEMBERED = 64
"""Bytes of a name that is remembered: clients choose how long theirs are."""


def forwarded_headers(headers: Headers, token: bytes, accounts: Accounts) -> Headers:
    """Return the headers of a request that may be forwarded, of a caller with this token."""
    return [
        (name, value) for name, value in headers if not _is_withheld(name, value, token, accounts)
    ]


def check_url(path: str, query: bytes, token: bytes, accounts: Accounts) -> None:
    """Raise `Refusal` 400 for a URL with a credential in it: it would be forwarded as it is."""
    text = unquote_to_bytes(f"{path}?") + unquote_to_bytes(query)
    if token in text or holds_token(text.decode("latin-1")):
        raise Refusal(400, "An AI Bridge token stands in the URL: send it in a header.")
    if not query or accounts is None:
        return
    for parameter in re.split(b"[&;]", query):
        name = unquote_to_bytes(parameter.partition(b"=")[0])
        if _plain(name) in CREDENTIAL_NAMES or _plain(name) in accounts:
            shown = name.decode("latin-1")
            raise Refusal(400, f"With the configured key {shown!r} is not passed in the query.")


def carries_token(value: bytes) -> bool:
    """Whether a value holds what has the shape of a token, in plain or for Basic authentication."""
    return holds_token(_readable(value).decode("latin-1"))


def _is_withheld(name: bytes, value: bytes, token: bytes, accounts: Accounts) -> bool:
    if token in value or (value[:1] in _BASIC_BEGINS and token in _readable(value)):
        return True
    look_up = _what_is if len(name) <= _LONGEST_REMEMBERED else _what_is.__wrapped__
    plain, is_credential = look_up(name)
    if is_credential:
        return accounts is not None or carries_token(value)
    return accounts is not None and plain in accounts


@lru_cache(maxsize=1024)
def _what_is(name: bytes) -> tuple[bytes, bool]:
    """Return a header's name as it is compared, and whether it carries a credential."""
    plain = _plain(name)
    return plain, plain in CREDENTIAL_NAMES or plain.endswith(CREDENTIAL_ENDINGS)


def _plain(name: bytes) -> bytes:
    """Return a name as it is compared: gateways of the CGI kind take ``_`` and ``-`` for one."""
    return name.lower().replace(b"_", b"-")


def _readable(value: bytes) -> bytes:
    """Return a value together with what it says in base64, if it is for Basic authentication."""
    if value[: len(_BASIC)].lower() != _BASIC:
        return value
    try:
        return value + b" " + base64.b64decode(value[len(_BASIC) :].strip() + b"==")
    except binascii.Error:
        return value
