"""``aibridge tokens``: what clients send to say who they are."""

from typing import TYPE_CHECKING, Annotated

import typer

from aibridge.cli import new_app
from aibridge.cli.connection import ME, connected, missing, no
from aibridge.cli.options import AsJson, Yes, choice
from aibridge.cli.output import confirm, moment, print_model, say
from aibridge.cli.tables import Column, print_list
from aibridge.contract import TokenScope
from aibridge.identity.tokens import parse_lifetime

if TYPE_CHECKING:
    from aibridge.cli.tables import Cell
    from aibridge.contract import Token
    from aibridge.sdk import Client

app = new_app(help="The tokens that clients send.")


def _check_lifetime(text: str) -> str:
    try:
        parse_lifetime(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    return text


@app.command("list", epilog="Example: aibridge tokens list --user ana")
@connected
def list_tokens(
    client: "Client",
    *,
    user: Annotated[
        str | None, typer.Option(help="Whose; all that you may see if left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show tokens, without their secrets."""
    tokens = _visible_tokens(client, user)
    print_list(tokens, _COLUMNS, _row, as_json=as_json)


def _row(one: "Token") -> "tuple[Cell, ...]":
    return (
        one.id,
        one.username,
        one.token_name,
        ", ".join(one.scopes),
        one.created_at,
        one.expires_at,
        one.last_used,
    )


_COLUMNS = (
    Column("ID"),
    Column("USER"),
    Column("NAME", telling=True),
    Column("SCOPES", rank=3),
    Column("CREATED", rank=4),
    Column("EXPIRES", rank=1),
    Column("LAST USED", rank=2, never="not yet"),
)


def _visible_tokens(client: "Client", user: str | None) -> "list[Token]":
    if user is None:
        return client.list_all_tokens()
    with missing("user", user):
        return client.list_tokens(user)


@app.command("create", epilog="Example: aibridge tokens create --user ana --name laptop")
@connected
def create_token(
    client: "Client",
    *,
    user: Annotated[str, typer.Option(help="Whose token it is.")] = ME,
    name: Annotated[str | None, typer.Option(help="What to call it; its id if left out.")] = None,
    lifetime: Annotated[
        str,
        typer.Option(
            callback=_check_lifetime, help="Such as 30d, 12h, 90m, 45s or 2w; 0 is for ever."
        ),
    ] = "30d",
    scope: Annotated[
        list[TokenScope] | None,
        choice(TokenScope, help="What it is for; repeatable, all if left out."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Give a user a token. It is shown this once."""
    with missing("user", user):
        token = client.create_token(
            user, name=name, lifetime=parse_lifetime(lifetime), scopes=scope
        )
    if as_json:
        print_model(token)
        return
    typer.echo(token.key)
    say(f"Shown this once. {token.token_name}, expires: {moment(token.expires_at)}", err=True)


@app.command("delete", epilog="Example: aibridge tokens delete Xh3kV9aQ0b")
@connected
def delete_token(
    client: "Client",
    *,
    token_id: Annotated[str, typer.Argument(metavar="ID", help="The first part of the token.")],
    user: Annotated[str | None, typer.Option(help="Whose it is; looked for if left out.")] = None,
    yes: Yes = False,
) -> None:
    """Refuse a token from its next request on."""
    wanted = token_id.partition("-")[0]  # who gives the whole of it means that too
    tokens = _visible_tokens(client, user)
    token = next((one for one in tokens if one.id == wanted), None) or no("token", wanted)
    used = moment(token.last_used, "not yet")
    confirm(
        f"Delete the token {token.token_name} of {token.username}, last used: {used}? "
        "What uses it is refused from its next request on; the record stays.",
        yes,
    )
    with missing("token", wanted):
        client.delete_token(token.id, token.user_id)
    say(f"Deleted {token.token_name} of {token.username}.")
