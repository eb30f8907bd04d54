"""The settings of one provider: a table of ``[[providers]]``, checked and with its keys read."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from aibridge.providers.encryption import ENCRYPTED, decrypt
from aibridge.providers.provider import BaseURL, Secret
from aibridge.providers.routes import read_opened
from aibridge.providers.types import TYPES

RESERVED_NAMES = frozenset({"interceptions", "sessions", "models", "clients", "keys", "providers"})
"""Words that the API uses where a provider's name stands in the URL."""

MAX_KEYS = 5
MAX_ROUTES = 100
KEY_FORMS = '"env:NAME", "file:PATH", "encrypted:TEXT" or the key itself'

CHECKED = ConfigDict(
    frozen=True,
    extra="forbid",
    arbitrary_types_allowed=True,
    hide_input_in_errors=True,  # it may be a secret
    validate_default=True,
)
"""How models of settings check: nothing unknown passes, and nothing given is repeated."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def _read_key(value: object, info: ValidationInfo) -> Secret:
    """Resolve ``env:NAME``, ``file:PATH``, ``encrypted:TEXT`` or the key itself."""
    if not isinstance(value, str):
        raise ValueError(f"expected text: {KEY_FORMS}")  # noqa: TRY004
    context = info.context or {}
    if not context.get("read_keys", True):
        return Secret("")
    environ = context.get("environ", {})
    key = _referenced(value, environ)
    return Secret(check_key(decrypt(key, environ) if key.startswith(ENCRYPTED) else key))


def is_literal(value: str) -> bool:
    """Say whether a text of ``api_keys`` is a key that whoever reads it can use."""
    return not value.startswith(("env:", "file:", ENCRYPTED))


def check_key(key: str) -> str:
    """Return a provider's key. Raises `ValueError` for what cannot be one."""
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ValueError("a key is printable ASCII characters without spaces")
    return key


def _referenced(value: str, environ: Mapping[str, str]) -> str:
    """Return what a variable or a file holds, where the value names one; it may be encrypted."""
    kind, _, rest = value.partition(":")
    if kind == "env":
        return _key_of_variable(rest, environ)
    if kind == "file":
        return first_line(Path(rest), "key file")
    return value


def _key_of_variable(name: str, environ: Mapping[str, str]) -> str:
    if not _VARIABLE.fullmatch(name):  # it may be a key that was put in the wrong place
        raise ValueError('"env:" is followed by the name of a variable, in letters, digits and _')
    key = environ.get(name, "").strip()
    if not key:
        raise ValueError(f"the environment variable {name} is not set, or is empty")
    return key


def first_line(path: Path, name: str) -> str:
    """Return the first line of a file that holds a secret. Raises `ValueError`."""
    try:
        with path.expanduser().open(encoding="utf-8") as file:
            line = file.readline().strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ValueError(f"the {name} {path} cannot be read: {reason}") from None
    if not line:
        raise ValueError(f"the {name} {path} has an empty first line")
    return line


class ProviderSettings(BaseModel):
    """One table of ``[[providers]]``.

    The validation context gives ``environ``, and may say ``read_keys: False`` for a program that
    will call no provider: its keys are then left unread.
    """

    model_config = CHECKED

    type: str = Field(description="Which API it speaks: " + ", ".join(TYPES) + ".")
    name: str = Field(
        default="",
        max_length=64,
        description="Its segment in the URL: lower-case words with hyphens; the type's name if "
        "left out.",
    )
    base_url: str = Field(
        default="",
        description="Where its API is, with the version's path; the type's own if left out.",
    )
    api_keys: tuple[Annotated[Secret, BeforeValidator(_read_key)], ...] = Field(
        default=(),
        max_length=MAX_KEYS,
        description=f"Up to {MAX_KEYS} keys, each {KEY_FORMS}; the first one is used.",
    )
    ask_for_usage: bool = Field(
        default=True,
        description="Whether chat streams whose client did not ask for token usage ask for it.",
    )
    redirect_hosts: tuple[str, ...] = Field(
        default=(),
        description="Hosts, HOST or HOST:PORT, to which the provider may redirect requests: these "
        "get the credential and the prompts. Any other redirect is refused.",
    )
    routes: tuple[str, ...] = Field(
        default=(),
        max_length=MAX_ROUTES,
        description='More routes to forward, such as "GET /files": without any record, and with '
        "the key that all share.",
    )
    allow_foreign_ids: bool = Field(
        default=False,
        description="Whether the configured key reaches responses and conversations that the "
        "bridge does not know to be the caller's.",
    )

    @field_validator("type")
    @classmethod
    def _known_type(cls, value: str) -> str:
        if value not in TYPES:
            raise ValueError("expected one of " + ", ".join(TYPES))
        return value

    @field_validator("name", mode="before")
    @classmethod
    def _named_by_type(cls, value: object, info: ValidationInfo) -> object:
        return info.data.get("type", "unnamed") if value == "" else value

    @field_validator("name")
    @classmethod
    def _usable_name(cls, value: str) -> str:
        if not _NAME.fullmatch(value):
            raise ValueError("expected lower-case letters and digits with single hyphens between")
        if value in RESERVED_NAMES:
            raise ValueError("this name is reserved, as are " + ", ".join(sorted(RESERVED_NAMES)))
        return value

    @field_validator("base_url")
    @classmethod
    def _usable_address(cls, value: str, info: ValidationInfo) -> str:
        kind = TYPES.get(info.data.get("type", ""))
        if kind is None:  # said already
            return value
        address = value or kind.base_url
        if not address:
            raise ValueError(f"a provider of type {kind.name} has no default address: give it one")
        path = BaseURL.parse(address).path
        if path.endswith("/v1") and all(route.startswith("/v1/") for route in kind.recorded):
            raise ValueError(f"the paths of type {kind.name} begin with /v1: leave it out here")
        return address

    @field_validator("redirect_hosts")
    @classmethod
    def _usable_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for host in value:
            try:
                url = BaseURL.parse(f"https://{host}")
            except ValueError:
                url = None
            if url is None or url.path or host.endswith("/"):
                raise ValueError("expected hosts, each HOST or HOST:PORT")
        return tuple(host.lower() for host in value)

    @field_validator("routes")
    @classmethod
    def _usable_routes(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        kind = TYPES.get(info.data.get("type", ""))
        for text in value:
            _, path = read_opened(text)
            if kind is not None and kind.prefix and f"{path}/".startswith(f"{kind.prefix}/"):
                raise ValueError(f"the paths of type {kind.name} stand below {kind.prefix}")
        return value

    @field_validator("api_keys")
    @classmethod
    def _keys_are_used(cls, value: tuple[Secret, ...], info: ValidationInfo) -> tuple[Secret, ...]:
        kind = TYPES.get(info.data.get("type", ""))
        if value and kind is not None and not kind.central:
            raise ValueError(f"type {kind.name} takes none: callers bring their own credential")
        return value
