"""``aibridge budgets``: how much each member of a group may spend a month."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aibridge.cli import new_app
from aibridge.cli.connection import connected, missing
from aibridge.cli.groups import find_group
from aibridge.cli.limits import NO_LIMIT, group_budget, limit_text, own_limits
from aibridge.cli.options import AsJson, Yes, amount, moment_option
from aibridge.cli.output import confirm, fail, print_json, print_model, say
from aibridge.cli.policy import PolicyError, read_policy
from aibridge.cli.simulation import print_simulation
from aibridge.cli.spend.period import Until, period
from aibridge.cli.tables import Column, print_table

if TYPE_CHECKING:
    from aibridge.contract import GroupAIBudget, GroupDetail, UserAIBudgetOverride
    from aibridge.sdk import Client

app = new_app(help="What each member of a group may spend a month.")

GroupName = Annotated[str | None, typer.Option("--group", help="The group's name, or its id.")]
UserName = Annotated[
    str | None, typer.Option("--user", help="Whose own limit, instead of their groups'.")
]


Amount = Annotated[
    int,
    typer.Argument(
        parser=amount, metavar="DOLLARS", help="Such as 12.50, a member and month; 0 is nothing."
    ),
]


@app.command("list", epilog="Example: aibridge budgets list")
@connected
def list_budgets(client: "Client", *, as_json: AsJson = False) -> None:
    """Show every group with its limit. Users' own limits are told by show --user."""
    found = [(group, group_budget(client, group)) for group in client.list_groups()]
    if as_json:
        print_json(
            [
                {
                    "group": group.model_dump(mode="json"),
                    "budget": None if budget is None else budget.model_dump(mode="json"),
                }
                for group, budget in found
            ]
        )
        return
    print_table(
        (Column("GROUP"), Column("MEMBERS", right=True), Column("LIMIT", right=True)),
        [
            (group.name, str(group.total_member_count), limit_text(budget))
            for group, budget in found
        ],
    )


@app.command("show", epilog="Example: aibridge budgets show --group developers")
@connected
def show_budget(
    client: "Client", *, group: GroupName = None, user: UserName = None, as_json: AsJson = False
) -> None:
    """Show the limit of a group's members, or a user's own."""
    budget: GroupAIBudget | UserAIBudgetOverride
    if user is not None:
        with missing("limit of their own for the user", user):
            budget = client.user_ai_budget_override(user)
    else:
        with missing("budget of the group", group):
            budget = client.group_ai_budget(find_group(client, _needed(group)).id)
    if as_json:
        print_model(budget)
        return
    typer.echo(limit_text(budget))


def _needed(group: str | None) -> str:
    if group is None:
        raise typer.BadParameter("say which: --group NAME, or --user NAME", param_hint="--group")
    return group


@app.command("set", epilog="Example: aibridge budgets set 12.50 --group developers")
@connected
def set_budget(
    client: "Client",
    *,
    limit: Amount,
    group: Annotated[
        str, typer.Option("--group", help="The group; of a user, the one that is charged.")
    ],
    user: UserName = None,
    as_json: AsJson = False,
) -> None:
    """Limit what each member of a group may spend a month, or one user.

    A call that may cost more than is left is refused before it is made.
    """
    found = find_group(client, group)
    budget: GroupAIBudget | UserAIBudgetOverride
    if user is None:
        budget = client.upsert_group_ai_budget(found.id, limit)
    else:
        with missing("user", user):
            budget = client.upsert_user_ai_budget_override(
                user, group_id=found.id, spend_limit_micros=limit
            )
    if as_json:
        print_model(budget)
        return
    who = f"Each member of {found.name}" if user is None else user
    say(f"{who} may spend {limit_text(budget)} a month.")


@app.command("delete", epilog="Example: aibridge budgets delete --group developers --yes")
@connected
def delete_budget(
    client: "Client", *, group: GroupName = None, user: UserName = None, yes: Yes = False
) -> None:
    """Take a group's limit away, or a user's own: then it limits nobody any more."""
    if user is None:
        _delete_of_group(client, find_group(client, _needed(group)), yes)
        return
    with missing("limit of their own for the user", user):
        own = client.user_ai_budget_override(user)
        confirm(
            f"Delete {user}'s own limit of {limit_text(own)}? Those of their groups count then.",
            yes,
        )
        client.delete_user_ai_budget_override(user)
    say(f"Deleted the limit of {user}; those of their groups count.")


def _delete_of_group(client: "Client", group: "GroupDetail", yes: bool) -> None:
    with missing("budget of the group", group.name):
        budget = client.group_ai_budget(group.id)
        stay = ", ".join(own_limits(client, group))
        rest = f" Members' own limits stay: {stay}." if stay else ""
        confirm(
            f"Delete the budget of {group.name}, {limit_text(budget)} a member and month?{rest}",
            yes,
        )
        client.delete_group_ai_budget(group.id)
    say(f"Deleted the budget of {group.name}: its members have {NO_LIMIT} from it.")


@app.command(
    "simulate",
    epilog="Example: aibridge budgets simulate --policy limits.toml --since 2026-10-01",
)
@connected
def simulate_budgets(
    client: "Client",
    *,
    policy: Annotated[
        Path,
        typer.Option(metavar="FILE", help="TOML or JSON with the limits of groups and users."),
    ],
    since: Annotated[
        datetime, moment_option("From that day on; what was spent before in its month counts too")
    ],
    until: Until = None,
    as_json: AsJson = False,
) -> None:
    """Show what other limits would have refused of what was spent. It changes nothing.

    Who is not named in the file keeps their limit. It is reckoned by days in UTC.
    """
    try:
        limits = read_policy(policy)
    except PolicyError as error:
        fail(str(error))
    first, end = period(since, until)
    found = client.simulate_ai_spend(
        groups=limits["groups"], users=limits["users"], since=first, until=end
    )
    print_model(found) if as_json else print_simulation(found)
