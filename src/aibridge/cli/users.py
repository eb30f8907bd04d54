"""``aibridge users``: the people who may use the bridge."""

from typing import Annotated, Any

import typer

from aibridge.cli import new_app
from aibridge.cli.database import AsJson, Config, DatabaseURL, DataDir, open_database, writing
from aibridge.cli.output import moment, print_json, print_table
from aibridge.contract import SiteRole as Role
from aibridge.identity.accounts import create_user
from aibridge.store.users import ACTIVE, SUSPENDED, User

app = new_app(help="The people who may use the bridge.")

Name = Annotated[str, typer.Argument(help="The username.", metavar="NAME")]


def shape(user: User) -> dict[str, Any]:
    """Return a user as JSON shows it."""
    return {
        "id": user.id,
        "username": user.username,
        "role": user.role.value,
        "status": user.status,
        "created_at": moment(user.created_at),
    }


@app.command(epilog="Example: aibridge users create ana --role auditor")
def create(
    *,
    name: Name,
    role: Annotated[Role, typer.Option(help="What they may see and do.")] = Role.MEMBER,
    as_json: AsJson = False,
    config: Config = None,
    data_dir: DataDir = None,
    database_url: DatabaseURL = None,
) -> None:
    """Add a user."""
    with writing(config, data_dir, database_url) as connection:
        user = create_user(connection, name, role)
    if as_json:
        print_json(shape(user))
    else:
        typer.echo(f"Created {user.username} ({user.role}).")
        typer.echo(f"Give them a token: aibridge tokens create --user {user.username}")


@app.command("list", epilog="Example: aibridge users list --json")
def list_(
    *,
    as_json: AsJson = False,
    config: Config = None,
    data_dir: DataDir = None,
    database_url: DatabaseURL = None,
) -> None:
    """Show every user."""
    with open_database(config, data_dir, database_url) as database, database.read() as connection:
        users = [shape(user) for user in list_users(connection)]
    if as_json:
        print_json(users)
        return
    columns = ("username", "role", "status", "created_at")
    print_table(
        ("USERNAME", "ROLE", "STATUS", "CREATED"),
        [[user[column] for column in columns] for user in users],
    )


@app.command(epilog="Example: aibridge users suspend ana")
def suspend(
    *,
    name: Name,
    config: Config = None,
    data_dir: DataDir = None,
    database_url: DatabaseURL = None,
) -> None:
    """Refuse a user's tokens from their next request on; their records stay."""
    with writing(config, data_dir, database_url) as connection:
        user = set_user_status(connection, name, SUSPENDED)
    typer.echo(f"Suspended {user.username}.")


@app.command(epilog="Example: aibridge users activate ana")
def activate(
    *,
    name: Name,
    config: Config = None,
    data_dir: DataDir = None,
    database_url: DatabaseURL = None,
) -> None:
    """Let a suspended user's tokens work again."""
    with writing(config, data_dir, database_url) as connection:
        user = set_user_status(connection, name, ACTIVE)
    typer.echo(f"Activated {user.username}.")
