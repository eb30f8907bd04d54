"""``aibridge providers``, ``models`` and ``clients``: what the record can be looked for by."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from aibridge.cli import new_app
from aibridge.cli.connection import connected
from aibridge.cli.options import MOST, AsJson
from aibridge.cli.output import print_json
from aibridge.cli.tables import Column, print_list, print_table

if TYPE_CHECKING:  # they take a while to import, and help texts need none of them
    from aibridge.contract import Provider
    from aibridge.sdk import Client

providers = new_app(help="The providers that are configured, or were.")
models = new_app(help="The models on record.")
clients = new_app(help="The clients on record.")

Search = Annotated[str, typer.Option("--search", "-q", help="How the names begin.")]


# With a callback, an app of one command keeps that command's name.
@providers.callback()
@models.callback()
@clients.callback()
def _group() -> None:
    pass


@providers.command("list", epilog="Example: aibridge providers list")
@connected
def list_providers(client: "Client", *, as_json: AsJson = False) -> None:
    """Show the providers that are configured, and those that were and are on record."""
    print_list(client.list_providers(), _PROVIDER, _row, as_json=as_json)


_PROVIDER = (Column("NAME"), Column("TYPE"))


def _row(one: "Provider") -> tuple[str, str]:
    return one.name, one.type


@models.command("list", epilog="Example: aibridge models list --search claude")
@connected
def list_models(client: "Client", *, search: Search = "", as_json: AsJson = False) -> None:
    """Show the names of the models on record."""
    _print_names("MODEL", _all(client.list_models, search), as_json=as_json)


@clients.command("list", epilog="Example: aibridge clients list")
@connected
def list_clients(client: "Client", *, search: Search = "", as_json: AsJson = False) -> None:
    """Show the names of the clients on record; Unknown are those that nobody recognised."""
    _print_names("CLIENT", _all(client.list_clients, search), as_json=as_json)


def _all(ask: Callable[..., list[str]], search: str) -> list[str]:
    """Return the names of all pages."""

    def pages() -> Iterator[list[str]]:
        offset = 0
        while names := ask(q=search, limit=MOST, offset=offset):
            yield names
            offset += len(names)
            if len(names) < MOST:
                return

    return [name for page in pages() for name in page]


def _print_names(title: str, names: list[str], *, as_json: bool) -> None:
    if as_json:
        print_json(names)
    else:
        print_table((Column(title),), [(name,) for name in names])
