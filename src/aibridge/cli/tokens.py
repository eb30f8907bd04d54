"""``aibridge tokens``: what clients send to say who they are."""

from datetime import timedelta
from typing import Annotated, Any

import typer

from aibridge.cli import new_app
from aibridge.cli.database import AsJson, Config, DatabaseURL, DataDir, open_database, writing
from aibridge.cli.output import moment, print_json, print_table
from aibridge.identity.first import issue_token
from aibridge.identity.tokens import parse_lifetime
from aibridge.store.identity import Token, delete_token, list_tokens, require_user

app = new_app(help="The tokens that clients send.")

NEVER = "never"


def shape(token: Token) -> dict[str, Any]:
    """Return a token as JSON shows it; its secret is not known any more."""
    return {
        "id": token.id,
        "name": token.name,
        "user": token.username,
        "created_at": moment(token.created_at),
        "expires_at": moment(token.expires_at),
    }


def _lifetime(text: str) -> timedelta | None:
    try:
        return parse_lifetime(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--lifetime") from None


@app.command(epilog="Example: aibridge tokens create --user ana --name laptop --lifetime 30d")
def create(
    *,
    user: Annotated[str, typer.Option(help="Whose token it is.")],
    name: Annotated[str | None, typer.Option(help="What to call it; its id if left out.")] = None,
    lifetime: Annotated[
        str, typer.Option(help="Such as 30d, 12h, 90m, 45s or 2w; 0 is for ever.")
    ] = "30d",
    as_json: AsJson = False,
    config: Config = None,
    data_dir: DataDir = None,
    database_url: DatabaseURL = None,
) -> None:
    """Give a user a token. It is shown this once."""
    duration = _lifetime(lifetime)
    with writing(config, data_dir, database_url) as connection:
        issued = issue_token(connection, require_user(connection, user), name, duration)
    if as_json:
        print_json({**shape(issued.row), "token": issued.text})
        return
    typer.echo(issued.text)
    expires = moment(issued.row.expires_at) or NEVER
    typer.echo(f"Shown this once. {issued.row.name}, expires: {expires}", err=True)


@app.command("list", epilog="Example: aibridge tokens list --user ana")
def list_(
    *,
    user: Annotated[str | None, typer.Option(help="Whose; everybody's if left out.")] = None,
    as_json: AsJson = False,
    config: Config = None,
    data_dir: DataDir = None,
    database_url: DatabaseURL = None,
) -> None:
    """Show tokens, without their secrets."""
    with open_database(config, data_dir, database_url) as database, database.read() as connection:
        owner = require_user(connection, user).id if user is not None else None
        tokens = [shape(token) for token in list_tokens(connection, owner)]
    if as_json:
        print_json(tokens)
        return
    columns = ("id", "user", "name", "created_at", "expires_at")
    print_table(
        ("ID", "USER", "NAME", "CREATED", "EXPIRES"),
        [[token[column] or NEVER for column in columns] for token in tokens],
    )


@app.command(epilog="Example: aibridge tokens delete Xh3kV9aQ0b")
def delete(
    *,
    token_id: Annotated[str, typer.Argument(metavar="ID", help="The first part of the token.")],
    config: Config = None,
    data_dir: DataDir = None,
    database_url: DatabaseURL = None,
) -> None:
    """Refuse a token from its next request on."""
    with writing(config, data_dir, database_url) as connection:
        token = delete_token(connection, token_id.partition("-")[0])
    typer.echo(f"Deleted {token.name} of {token.username}.")
