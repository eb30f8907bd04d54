"""``aibridge groups``: who belongs together, and shares a budget's limit."""

from typing import TYPE_CHECKING, Annotated

import typer

from aibridge.cli import new_app
from aibridge.cli.connection import connected, missing
from aibridge.cli.limits import group_budget, limit_text, own_limits
from aibridge.cli.options import AsJson, Yes
from aibridge.cli.output import (
    confirm,
    moment,
    one_line,
    print_facts,
    print_model,
    say,
)
from aibridge.cli.tables import Column, print_list

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aibridge.cli.tables import Cell
    from aibridge.contract import Group, GroupDetail, GroupMember
    from aibridge.sdk import Client

app = new_app(help="Groups of users.")

Name = Annotated[str, typer.Argument(help="The group's name, or its id.", metavar="NAME")]
People = Annotated[list[str], typer.Argument(help="Usernames, or ids.", metavar="USER...")]


def find_group(client: "Client", name: str) -> "GroupDetail":
    """Return the group that a person names; if there is none, the program ends."""
    with missing("group", name):
        return client.get_group(name)


@app.command("list", epilog="Example: aibridge groups list")
@connected
def list_groups(client: "Client", *, as_json: AsJson = False) -> None:
    """Show groups. Everyone holds all users."""
    groups = client.list_groups()
    print_list(groups, _COLUMNS, _row, as_json=as_json)


def _row(one: "Group") -> "tuple[Cell, ...]":
    return one.name, str(one.total_member_count), one.display_name, one.id


_COLUMNS = (
    Column("NAME"),
    Column("MEMBERS", right=True),
    Column("DISPLAY NAME", telling=True),
    Column("ID", rank=1),
)


@app.command("show", epilog="Example: aibridge groups show developers")
@connected
def show_group(client: "Client", *, name: Name, as_json: AsJson = False) -> None:
    """Show a group and its members."""
    group = find_group(client, name)
    if as_json:
        print_model(group)
        return
    print_facts(
        {
            "name": group.name,
            "display name": group.display_name,
            "id": group.id,
            "created": moment(group.created_at),
            "members": str(group.total_member_count),
        }
    )
    for member in group.members:
        typer.echo(f"  {one_line(member.username or member.id)}")


@app.command("create", epilog="Example: aibridge groups create developers")
@connected
def create_group(
    client: "Client",
    *,
    name: Annotated[str, typer.Argument(help="The group's name.", metavar="NAME")],
    display_name: Annotated[str | None, typer.Option(help="As people read it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a group."""
    group = client.create_group(name, display_name=display_name)
    if as_json:
        print_model(group)
    else:
        say(f"Created {group.name}.")


@app.command("rename", epilog="Example: aibridge groups rename developers makers")
@connected
def rename_group(
    client: "Client",
    *,
    name: Name,
    new_name: Annotated[str, typer.Argument(help="What to call it from now on.", metavar="NEW")],
    display_name: Annotated[str | None, typer.Option(help="As people read it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Give a group another name; its members and its budget stay."""
    group = client.update_group(
        find_group(client, name).id, name=new_name, display_name=display_name
    )
    if as_json:
        print_model(group)
    else:
        say(f"{name} is {group.name} now.")


@app.command("add", epilog="Example: aibridge groups add developers ana ben")
@connected
def add_members(client: "Client", *, name: Name, users: People, as_json: AsJson = False) -> None:
    """Add users to a group."""
    _show_change(client.add_group_members(find_group(client, name).id, users), as_json)


@app.command("remove", epilog="Example: aibridge groups remove developers ben")
@connected
def remove_members(
    client: "Client", *, name: Name, users: People, yes: Yes = False, as_json: AsJson = False
) -> None:
    """Take users out of a group. Who leaves loses an own limit that is charged to it."""
    group = find_group(client, name)
    named = {user.lower() for user in users}
    leaving = [one for one in group.members if named & _names([one])]
    limits = ", ".join(own_limits(client, group, leaving))
    if limits:
        who = ", ".join(one.username or one.id for one in leaving)
        lost = f"With that go the own limits charged to it: {limits}."
        confirm(f"Take {who} out of {group.name}? {lost}", yes)
    _show_change(client.remove_group_members(group.id, users), as_json)
    if as_json:
        return
    for user in users:
        if user.lower() not in _names(leaving):
            say(f"{user} was no member of it.")
    if limits:
        say(f"Deleted the own limits charged to it: {limits}.")


def _names(members: "Iterable[GroupMember]") -> set[str]:
    """Return by what users can be named: their ids and names, in lower case."""
    return {name for one in members for name in (one.id, one.username.lower())}


def _show_change(group: "GroupDetail", as_json: bool) -> None:
    if as_json:
        print_model(group)
    else:
        say(f"{group.name} has {_members(group)} now.")


def _members(group: "GroupDetail") -> str:
    count = group.total_member_count
    return f"{count} member" if count == 1 else f"{count} members"


@app.command("delete", epilog="Example: aibridge groups delete developers --yes")
@connected
def delete_group(client: "Client", *, name: Name, yes: Yes = False) -> None:
    """Delete a group with its budget, and its members' own limits that are charged to it."""
    group = find_group(client, name)
    if not yes:
        confirm(f"Delete the group {group.name}? {_goes_with(client, group)}", yes)
    client.delete_group(group.id)
    say(f"Deleted {group.name}.")


def _goes_with(client: "Client", group: "GroupDetail") -> str:
    """Say what else is lost with a group."""
    budget = group_budget(client, group)
    own = ", ".join(own_limits(client, group))
    also = (
        f"its budget of {limit_text(budget)} a member and month" if budget else "",
        f"the own limits charged to it: {own}" if own else "",
    )
    told = " and ".join(one for one in also if one)
    stay = f"Its members ({group.total_member_count}) stay users."
    return f"With it goes {told}. {stay}" if told else f"It has no budget. {stay}"
