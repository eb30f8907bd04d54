"""Tokens: what they are for, and how long."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from aibridge.contract.base import WHOLE, Body, Id, Model, Open, SecretText, Time
from aibridge.contract.words import LoginType, TokenScope


class Token(Model):
    """A token without its secret. ``expires_at`` is null for never, ``last_used`` for not yet.

    ``last_used`` is exact to about a minute. ``lifetime_seconds`` is 0 for ever.
    """

    id: str
    user_id: Id
    username: str
    token_name: str
    scopes: list[Open[TokenScope]]
    login_type: Open[LoginType]
    created_at: Time
    expires_at: Time | None
    last_used: Time | None
    lifetime_seconds: int


LONGEST_LIFETIME_SECONDS = 36_500 * 86_400
DEFAULT_LIFETIME_SECONDS = 30 * 86_400


_NANOSECONDS = 1_000_000_000
_EVERYTHING = (["all"], ["coder:all"])
"""How clients of the original write all scopes."""


def _spelled_out(scopes: object) -> object:
    """Return scopes as they are, but all of them where the original's word for that stands."""
    return tuple(TokenScope) if scopes in _EVERYTHING else scopes


class CreateTokenRequest(Body):
    """A token to be; its name is its id if left out, its scopes are all of them.

    The fields from ``lifetime`` on are those of the original's client.
    """

    token_name: Annotated[str, Field(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    lifetime_seconds: Annotated[int, Field(ge=0, le=LONGEST_LIFETIME_SECONDS), WHOLE] = (
        DEFAULT_LIFETIME_SECONDS
    )
    """Seconds; 0 is for ever."""
    scopes: Annotated[
        tuple[TokenScope, ...],
        Field(min_length=1, max_length=len(TokenScope)),
        BeforeValidator(_spelled_out),
    ] = tuple(TokenScope)
    lifetime: Annotated[int, Field(ge=0, le=LONGEST_LIFETIME_SECONDS * _NANOSECONDS), WHOLE] = 0
    """Nanoseconds, instead of ``lifetime_seconds``; 0 is as long as if left out."""
    scope: Literal["", "all"] = ""
    allow_list: tuple[Literal["*:*"], ...] = Field(default=(), max_length=1)
    """No token can be limited to single things."""

    @model_validator(mode="after")
    def _with_one_lifetime(self) -> Self:
        if self.lifetime and "lifetime_seconds" in self.model_fields_set:
            raise ValueError("lifetime and lifetime_seconds are two ways to say one thing")
        if 0 < self.lifetime < _NANOSECONDS:
            raise ValueError("lifetime is in nanoseconds, and a second or longer")
        return self

    @property
    def lasts(self) -> timedelta | None:
        """How long the token is to be valid, ``None`` for ever."""
        if self.lifetime:
            return timedelta(microseconds=self.lifetime // 1000)
        return timedelta(seconds=self.lifetime_seconds) if self.lifetime_seconds else None


class NewKey(Model):
    """A new token's text alone, which is shown only here."""

    key: SecretText


class TokenConfig(Model):
    """How long a token may live, in nanoseconds as the original has it."""

    max_token_lifetime: int


class CreatedToken(Token):
    """A new token with its text, which is shown only here."""

    key: SecretText
