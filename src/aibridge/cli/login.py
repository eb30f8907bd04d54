"""``aibridge login`` and ``logout``: a token for a password, and its end."""

from typing import Annotated

import typer

from aibridge.cli.connection import LOCAL, Where, clear_answers, connect
from aibridge.cli.options import Token, Url
from aibridge.cli.output import read_secret, say


def login(
    *,
    name: Annotated[str, typer.Argument(help="Your email address, or username.", metavar="NAME")],
    url: Url = None,
) -> None:
    """Ask for a password, or read it from what is piped in, and print a token for a day.

    It is not kept anywhere: put it into AIBRIDGE_TOKEN.

    Example: export AIBRIDGE_TOKEN=$(aibridge login ana)
    """
    from aibridge import sdk  # noqa: PLC0415 - it takes a while to import

    password = read_secret("Password")
    with (
        clear_answers(url or LOCAL),
        sdk.Client.login(name, password, url=url or LOCAL, retries=0) as client,
    ):
        typer.echo(client.token)
        for notice in client.notices:
            say(notice, err=True)
    say("Shown this once; it ends after a day, or with aibridge logout.", err=True)


def logout(*, url: Url = None, token: Token = None) -> None:
    """Delete the token that is given: it is refused from the next request on.

    Example: aibridge logout
    """
    with connect(Where(url=url or LOCAL, token=token)) as client:
        client.logout()
    say("Logged out.")
