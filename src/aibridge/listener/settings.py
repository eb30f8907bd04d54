"""The options of listening: where, with which certificate, behind which proxies, for how many."""

import re
from ipaddress import IPv6Address, ip_network
from pathlib import Path
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
)

from aibridge.listener.connections import Network
from aibridge.providers.settings import CHECKED


def listed(value: object) -> object:
    """Read what may also be one text with commas, as it is in the environment."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


def _networks(value: object) -> object:
    found = listed(value)
    if not isinstance(found, list | tuple):
        raise ValueError("expected a list of addresses or networks")  # noqa: TRY004
    return tuple(_network(str(part)) for part in found)


def _network(text: str) -> Network:
    try:
        found = ip_network(text, strict=False)
    except ValueError:
        raise ValueError(
            f'{text[:64]!r} is no address or network, such as "10.0.0.1" or "10.0.0.0/8"'
        ) from None
    if found.prefixlen == 0:
        raise ValueError(f"{text!r} is everybody: who is no proxy must not be believed")
    return found


def _host_name(value: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_.-]+", value):
        return value
    try:
        return str(IPv6Address(value))
    except ValueError:
        raise ValueError("expected a name or an address, without scheme and port") from None


HostName = Annotated[str, AfterValidator(_host_name)]
"""A name of a host, or an IP address, without brackets."""


class ListenerSettings(BaseModel):
    """Where clients connect, and how many may."""

    model_config = CHECKED

    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="The address to listen on; 0.0.0.0 is every address of the machine.",
    )
    port: int = Field(
        default=4000, ge=0, le=65_535, description="The port to listen on; 0 is any free one."
    )
    tls_cert: Path | None = Field(
        default=None,
        description="The PEM file of the certificate, with its chain, to serve https with; it is "
        "read again when it changes.",
    )
    tls_key: Path | None = Field(
        default=None, description="The PEM file of the certificate's key, without a password."
    )
    trusted_proxies: Annotated[tuple[Network, ...], BeforeValidator(_networks)] = Field(
        default=(),
        description="Addresses or networks of the proxies in front of the bridge, such as "
        '["10.0.0.0/8"]: of them it believes who the client is, by X-Forwarded-For.',
    )
    allowed_hosts: Annotated[tuple[HostName, ...], BeforeValidator(listed)] = Field(
        default=(),
        description="The names by which the API and its pages may be called, beside host and "
        "those of the machine itself, such as bridge.example.com; with commas between them in the "
        "environment. If none is given, a bridge that listens on loopback takes no other, and one "
        "that listens beyond it takes any.",
    )
    max_connections: int = Field(
        default=5_000,
        ge=16,
        description="How many clients may be connected to each process; fewer where it may not "
        "open as many files. Past that, who is waited for longest makes room.",
    )
    max_connections_per_address: int = Field(
        default=0,
        ge=0,
        description="How many of them may come from one address, or one IPv6 network of 64 bits, "
        "unless it is a trusted proxy's; 0 is half of them.",
    )

    @field_validator("tls_cert", "tls_key")
    @classmethod
    def _expanded(cls, value: Path | None) -> Path | None:
        return None if value is None else value.expanduser()

    @field_validator("tls_key")
    @classmethod
    def _both_or_none(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if "tls_cert" in info.data and (value is None) != (info.data["tls_cert"] is None):
            raise ValueError("one of tls_cert and tls_key is set: set both, or neither")
        return value
