"""Tokens as text: making them, taking them apart, how long they live.

A token reads ``{id}-{secret}``. The id is the row's key; of the secret only the SHA-256 is
kept. A plain hash is enough: the secret is 22 random characters (131 bits), not a password.
"""

import hashlib
import hmac
import re
import secrets
import string
from dataclasses import dataclass, field
from datetime import timedelta

from aibridge.durations import parse_duration

ID_LENGTH = 10
SECRET_LENGTH = 22
ALPHABET = string.ascii_letters + string.digits

_LENGTH = ID_LENGTH + 1 + SECRET_LENGTH
_SHAPE = re.compile(
    rf"(?<![\w-])[A-Za-z0-9]{{{ID_LENGTH}}}-[A-Za-z0-9]{{{SECRET_LENGTH}}}(?![\w-])", re.ASCII
)


@dataclass(frozen=True, slots=True)
class TokenText:
    """A new token; ``text`` is shown to its owner once."""

    id: str
    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        """What a client sends."""
        return f"{self.id}-{self.secret}"


def generate() -> TokenText:
    """Make a token from the system's randomness."""
    return TokenText(_random(ID_LENGTH), _random(SECRET_LENGTH))


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def parse(text: str) -> tuple[str, str] | None:
    """Return a token's id and secret, `None` for a text that is not exactly a token."""
    if len(text) != _LENGTH or text[ID_LENGTH] != "-" or not text.isascii():
        return None
    token_id, secret = text[:ID_LENGTH], text[ID_LENGTH + 1 :]
    return (token_id, secret) if token_id.isalnum() and secret.isalnum() else None


def holds_token(text: str) -> bool:
    """Say whether a text has in it what could be a token: one that stands by itself.

    A part of a longer key, such as ``sk-proj-…``, is none.
    """
    return _SHAPE.search(text) is not None


def digest(secret: str) -> str:
    """Return what is stored of a secret: its SHA-256 in hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()


def matches(secret: str, stored: str) -> bool:
    """Say whether a secret is the one a digest was stored of, in constant time."""
    return hmac.compare_digest(digest(secret), stored)


def parse_lifetime(text: str) -> timedelta | None:
    """Read a lifetime such as ``30d`` or ``12h``; ``0`` is `None`: never.

    Raises `ValueError`, whose text says what is expected.
    """
    return parse_duration(text, called="a lifetime", without_end="never")
