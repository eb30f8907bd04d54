"""``aibridge users``: the people who may use the bridge."""

from typing import TYPE_CHECKING, Annotated

import typer

from aibridge.cli import new_app
from aibridge.cli.connection import connected, missing
from aibridge.cli.options import AsJson, Yes, choice
from aibridge.cli.output import (
    confirm,
    moment,
    print_facts,
    print_model,
    read_secret,
    say,
)
from aibridge.cli.tables import Column, print_list
from aibridge.contract import SiteRole, UserStatus

if TYPE_CHECKING:
    from aibridge.cli.tables import Cell
    from aibridge.contract import User
    from aibridge.sdk import Client

app = new_app(help="The people who may use the bridge.")

Name = Annotated[str, typer.Argument(help="The username, or an id.", metavar="NAME")]
_ROLE = choice(SiteRole, "--role", help="What they may see and do; repeatable.")
AskPassword = Annotated[
    bool,
    typer.Option("--password", help="Ask for a password, or read it from what is piped in."),
]


def roles_of(user: "User") -> str:
    """Return a user's roles in words; who has none is a member."""
    return ", ".join(role.name for role in user.roles) or SiteRole.MEMBER


@app.command("list", epilog="Example: aibridge users list --status active")
@connected
def list_users(
    client: "Client",
    *,
    search: Annotated[
        str, typer.Option("--search", "-q", help="Part of a name, status: or role:.")
    ] = "",
    status: Annotated[
        UserStatus | None, choice(UserStatus, help="Only users of this status.")
    ] = None,
    role: Annotated[SiteRole | None, choice(SiteRole, help="Only users with this role.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show users, in the order of their names."""
    wanted = (search, f"status:{status}" if status else "", f"role:{role}" if role else "")
    users = list(client.iter_users(" ".join(filter(None, wanted))))
    print_list(users, _COLUMNS, _row, as_json=as_json)


def _row(one: "User") -> "tuple[Cell, ...]":
    return one.username, roles_of(one), one.status, one.email, one.created_at


_COLUMNS = (
    Column("USERNAME"),
    Column("ROLES", rank=1),
    Column("STATUS", rank=2),
    Column("EMAIL", telling=True),
    Column("CREATED", rank=3),
)


@app.command("show", epilog="Example: aibridge users show ana")
@connected
def show_user(client: "Client", *, name: Name, as_json: AsJson = False) -> None:
    """Show one user."""
    with missing("user", name):
        user = client.get_user(name)
    if as_json:
        print_model(user)
        return
    print_facts(
        {
            "username": user.username,
            "name": user.name,
            "email": user.email,
            "roles": roles_of(user),
            "status": user.status,
            "id": user.id,
            "created": moment(user.created_at),
        }
    )


@app.command("create", epilog="Example: aibridge users create ana --role auditor")
@connected
def create_user(
    client: "Client",
    *,
    name: Annotated[str, typer.Argument(help="The username.", metavar="NAME")],
    role: Annotated[list[SiteRole] | None, _ROLE] = None,
    email: Annotated[
        str | None, typer.Option(help="Their address; they can log in with it.")
    ] = None,
    display_name: Annotated[
        str | None, typer.Option("--name", help="Their name as people read it.")
    ] = None,
    password: AskPassword = False,
    as_json: AsJson = False,
) -> None:
    """Add a user. Without a password they use tokens only."""
    secret = read_secret("Password", twice=True) if password else None
    user = client.create_user(name, email=email, name=display_name, password=secret, roles=role)
    if as_json:
        print_model(user)
        return
    say(f"Created {user.username} ({roles_of(user)}).")
    say(f"Give them a token: aibridge tokens create --user {user.username}")


@app.command("suspend", epilog="Example: aibridge users suspend ana")
@connected
def suspend_user(client: "Client", *, name: Name) -> None:
    """Refuse a user's tokens from their next request on; their records stay."""
    with missing("user", name):
        say(f"Suspended {client.suspend_user(name).username}.")


@app.command("activate", epilog="Example: aibridge users activate ana")
@connected
def activate_user(client: "Client", *, name: Name) -> None:
    """Let a suspended user's tokens work again."""
    with missing("user", name):
        say(f"Activated {client.activate_user(name).username}.")


@app.command("roles", epilog="Example: aibridge users roles ana --role auditor --role user-admin")
@connected
def set_roles(
    client: "Client", *, name: Name, role: Annotated[list[SiteRole], _ROLE], as_json: AsJson = False
) -> None:
    """Give a user these roles instead of those they have; member is what everybody is."""
    with missing("user", name):
        user = client.set_user_roles(name, role)
    if as_json:
        print_model(user)
    else:
        say(f"{user.username} is now: {roles_of(user)}.")


@app.command("password", epilog="Example: aibridge users password me --old")
@connected
def set_password(
    client: "Client",
    *,
    name: Name,
    old: Annotated[
        bool, typer.Option("--old", help="Ask for the old one first, as for one's own is needed.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Give a user another password: asked for, or read from what is piped in.

    That deletes all tokens of theirs but the one that is used here, as whoever knew the old
    password may have made any of them.
    """
    with missing("user", name):
        ending = _ending_tokens(client, client.get_user(name), knows_old=old)
    if ending:
        rest = "What uses them is refused from its next request on."
        confirm(f"Change the password of {name}, and delete {ending} of theirs? {rest}", yes)
    before = read_secret("Old password") if old else None
    password = read_secret("Password", twice=True)
    with missing("user", name):
        client.set_user_password(name, password, old_password=before)
    say(f"Changed the password of {name}" + (f", and deleted {ending}." if ending else "."))


def _ending_tokens(client: "Client", user: "User", *, knows_old: bool) -> str:
    """Say how many tokens another password deletes; nothing where it deletes none.

    Who gives themselves a first password keeps all: there was none that others could have known.
    """
    from aibridge.sdk import Forbidden, NotFound  # noqa: PLC0415 - it takes a while to import

    try:
        tokens = {token.id for token in client.list_tokens(user.id)}
    except (Forbidden, NotFound):  # user-admins change passwords, but see no tokens
        return "all tokens"
    used = client.token.partition("-")[0]
    count = 0 if used in tokens and not knows_old else len(tokens - {used})
    return "" if not count else "1 token" if count == 1 else f"{count} tokens"
