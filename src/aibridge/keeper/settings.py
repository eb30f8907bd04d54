"""What the keeper's process is told when it starts, as a line of JSON."""

from typing import TYPE_CHECKING

import msgspec

from aibridge.agents import Client
from aibridge.durations import microseconds
from aibridge.prices.supplements import geography_of

if TYPE_CHECKING:  # the keeper itself is told all here, and reads no settings
    from aibridge.settings import Settings


class KeeperSettings(msgspec.Struct, frozen=True):
    """How the keeper does its work. Lengths of time are in seconds, but for the pause."""

    journals: str
    """The folder that has the journals."""
    database_url: str
    session_pause: int
    """In microseconds."""
    retention: float | None
    kept_seconds: float
    kept_bytes: int
    lingers: bool
    """Whether nobody waits for the database, so that more can be written at once."""
    max_body_bytes: int
    agents: tuple[Client, ...]
    """Those that the settings add to the table."""
    catalogue: str
    """The folder that has the shipped price lists, where they have been read before."""
    geographies: dict[str, str]
    """Where providers are, by their names, as far as their addresses tell."""
    log_level: str
    webhook_url: str = ""
    """Whom to tell of thresholds of budgets, if anybody."""
    webhook_key: str = ""


def keeper_settings(settings: "Settings") -> KeeperSettings:
    """Return what of the bridge's settings the keeper needs."""
    retention, kept = settings.retention, settings.journal_keep
    return KeeperSettings(
        journals=str(settings.journals.absolute()),
        database_url=settings.database_url,
        session_pause=microseconds(settings.session_pause),
        retention=None if retention is None else retention.total_seconds(),
        kept_seconds=0.0 if kept is None else kept.total_seconds(),
        kept_bytes=settings.journal_max_bytes // 2,
        lingers=settings.durable_in == "journal",
        max_body_bytes=settings.max_body_bytes,
        agents=tuple(each.to_client() for each in settings.agents),
        catalogue=str(settings.catalogue.absolute()),
        geographies={each.name: geography_of(str(each.base_url)) for each in settings.providers},
        log_level=settings.log_level,
        webhook_url=settings.budget_webhook_url,
        webhook_key=settings.budget_webhook_key.get_secret_value(),
    )
