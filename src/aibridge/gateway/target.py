"""Where calls of a provider go, worked out once."""

from typing import NamedTuple

from aibridge.gateway.caller import Credential, configured_credential
from aibridge.gateway.upstream import Address
from aibridge.providers.provider import Provider


class Target(NamedTuple):
    """A provider with what is needed to reach it; ``credential`` is what it is configured with."""

    provider: Provider
    address: Address
    authority: bytes
    credential: Credential | None


def target_of(provider: Provider) -> Target:
    """Prepare a provider for the gateway."""
    url = provider.base_url
    address = Address(url.host, url.port, url.scheme == "https")
    return Target(provider, address, url.authority.encode(), configured_credential(provider))
