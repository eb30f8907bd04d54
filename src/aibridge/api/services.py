"""What the endpoints work with, as one value that the application is made with."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Request

from aibridge.api.hosts import Hosts
from aibridge.contract import AIProvider
from aibridge.identity.attempts import Attempts
from aibridge.identity.audit import Target
from aibridge.identity.authenticate import is_still
from aibridge.identity.passwords import Passwords
from aibridge.identity.rights import Rights
from aibridge.journal.catching_up import CatchingUp
from aibridge.prices.catalogue import Catalogue
from aibridge.principals import Person
from aibridge.store.engine.database import Database
from aibridge.store.people.users import Connection

Authenticate = Callable[[str], Awaitable[Person | None]]
"""Who a token belongs to, ``None`` for a bad one. Called on the event loop's thread only."""


@dataclass(frozen=True, slots=True)
class Services:
    """The database, who may do what with it, and what is configured beside it."""

    database: Database
    authenticate: Authenticate
    rights: Rights = field(default_factory=Rights)
    configured: tuple[AIProvider, ...] = ()
    """The configured providers."""
    passwords: Passwords = field(default_factory=Passwords)
    strangers_passwords: Passwords = field(default_factory=Passwords)
    """A queue of its own, so that strangers who try passwords keep nobody else waiting."""
    logins: Attempts = field(default_factory=Attempts)
    changes: Attempts = field(default_factory=Attempts)
    """Of one's own password, with a token: strangers' logins do not count against them."""
    is_still: Callable[[Connection, Person], bool] = is_still
    """Whether who called may still do so, asked in the transaction of what they do."""
    write_last_uses: Callable[[], None] = lambda: None
    """Has what is shown of tokens brought up to date."""
    hosts: Hosts = field(default_factory=Hosts)
    changed: Callable[[Target], None] = lambda _: None
    """Is told of what was acted upon, by any thread."""
    catalogue: Callable[[], Catalogue] = lambda: Catalogue("none", {})
    """Returns the shipped price lists; it may take a second, so not on the event loop."""
    retention: timedelta | None = None
    """How long the record is kept, `None` for ever; what was spent is kept for longer."""
    catching_up: CatchingUp | None = None
    """What waits for the record to have what has ended, where a keeper writes it."""


async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


Given = Annotated[Services, Depends(_services)]
"""The services of the application that a request came to."""
