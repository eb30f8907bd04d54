"""Providers as the filter menu lists them."""

from aibridge.contract.base import Model


class Provider(Model):
    """A provider that is configured, or that was and is on record."""

    name: str
    type: str
    display_name: str
    icon: str
