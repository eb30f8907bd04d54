"""Providers: for the menu of filters, and as they are configured."""

from aibridge.contract.base import Id, Model, Time


class Provider(Model):
    """A provider that is configured, or that was and is on record."""

    name: str
    type: str
    display_name: str
    icon: str


class AIProviderKey(Model):
    """A key that a provider is called with, of which only the ends are shown."""

    id: Id
    masked: str
    created_at: Time | None
    """Null for one from the settings: nobody knows."""


class AIProvider(Model):
    """A configured provider. Its id follows from its name, as long as settings say what there is.

    ``settings`` is null: there are none beyond the fields. The times are null for a provider from
    the settings.
    """

    id: Id
    type: str
    name: str
    display_name: str
    icon: str
    enabled: bool
    base_url: str
    api_keys: list[AIProviderKey]
    settings: None
    created_at: Time | None
    updated_at: Time | None
