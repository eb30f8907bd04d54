"""``aibridge spend``: what was spent, by whom and on what, and against which limits."""

from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer
import typer.core

from aibridge.cli import HELP, new_app
from aibridge.cli.connection import connected, missing
from aibridge.cli.export.destination import STDOUT, Format, Output, Target, opened
from aibridge.cli.export.interruption import interruptible
from aibridge.cli.groups import find_group
from aibridge.cli.options import MOST, AsJson, Limit, choice
from aibridge.cli.output import print_model, visible
from aibridge.cli.spend import shown
from aibridge.cli.spend.cache import print_cache
from aibridge.cli.spend.formats import (
    Granularity,
    SpendFormat,
    SpendOf,
    check_format,
    exported,
)
from aibridge.cli.spend.period import Since, Until, period
from aibridge.cli.spend.reconcile import reconcile
from aibridge.contract.words import CacheBy, SpendBy

if TYPE_CHECKING:
    from aibridge.sdk import Client

SHOW = "show"


class ShownByDefault(typer.core.TyperGroup):
    """Commands of which ``show`` is meant where none is named."""

    def parse_args(
        self,
        ctx: Any,  # noqa: ANN401 - its type moved between releases of typer
        args: list[str],
    ) -> list[str]:
        """Put the name of the command before options that come without one."""
        if not args and ctx.resilient_parsing:  # a shell asks which commands there are
            return super().parse_args(ctx, args)
        if not args or (args[0].startswith("-") and args[0] not in HELP["help_option_names"]):
            args = [SHOW, *args]
        return super().parse_args(ctx, args)


app = new_app(help="What was spent; the word show may be left out.", cls=ShownByDefault)

UserName = Annotated[str | None, typer.Option("--user", help="A user's id, a username, or me.")]
By = Annotated[
    str | None,
    choice(
        get_args(SpendBy),
        "--by",
        help="What it is told apart by: user, group, day, provider, model, client, or what calls "
        "were made for: repo, branch, pull_request or issue.",
    ),
]


@app.command(SHOW, epilog="Example: aibridge spend show --by model --since 7d")
@connected
def show_spend(
    client: "Client",
    *,
    user: UserName = None,
    by: By = None,
    since: Since = None,
    until: Until = None,
    as_json: AsJson = False,
) -> None:
    """Show what was spent, by user and in this month if nothing else is asked for.

    With --user alone, show what they spent this month beside the limit that it counts against.
    Costs are approximate: what the tokens on record cost at list prices.
    """
    if user is not None and (by, since, until) == (None, None, None):
        with missing("user", user):
            status = client.user_ai_spend(user)
        print_model(status) if as_json else shown.print_status(client, status)
        return
    way: Any = by or "user"
    first, end = period(since, until)
    with missing("user", user):
        found = client.ai_spend(way, user=user, since=first, until=end, limit=MOST)
    print_model(found) if as_json else shown.print_breakdown(client, found)


@app.command("cache", epilog="Example: aibridge spend cache --by client --since 7d")
@connected
def show_cache(
    client: "Client",
    *,
    user: UserName = None,
    by: Annotated[
        str,
        choice(
            get_args(CacheBy), "--by", help="What it is told apart by: session, client or model."
        ),
    ] = "session",
    since: Since = None,
    until: Until = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """Show what caches of prompts saved in 31 days at most, and what missing them cost.

    Those come first whose misses cost the most. Amounts are differences to the plain input price.
    """
    way: Any = by
    first, end = period(since, until)
    with missing("user", user or ""):
        found = client.ai_cache_economics(way, user=user, since=first, until=end, limit=limit)
    print_model(found) if as_json else print_cache(found, limit)


@app.command(
    "export",
    epilog="Example: aibridge spend export --since 7d --format focus --output week.csv",
)
@interruptible
@connected
def export_spend(
    client: "Client",
    *,
    user: UserName = None,
    group: Annotated[
        str | None, typer.Option(help="The name or the id of the group that is charged.")
    ] = None,
    since: Since = None,
    until: Until = None,
    form: Annotated[
        SpendFormat,
        choice(SpendFormat, "--format", help="Which columns, and how they are written."),
    ] = SpendFormat.CSV,
    granularity: Granularity = None,
    output: Output = STDOUT,
) -> None:
    """Write out what was spent in 31 days at most, this month if left out.

    It has a row for each user, group, model and provider. With --format focus, or focus-parquet, it
    has the columns of FOCUS 1.2 and a row for each type of token, hour by hour or as --granularity
    says, of the calls that are still on record.
    """
    check_format(form, granularity, output)
    first, end = period(since, until)
    user_id = None
    if user is not None:
        with missing("user", user):
            user_id = client.get_user(user).id
    group_id = None if group is None else find_group(client, group).id
    where = SpendOf(since=first, until=end, user_id=user_id, group_id=group_id)
    content = exported(client, form, granularity, where)
    target = Target(Format.CSV, output)
    with opened(target) as file:
        file.write(visible(content.decode()).encode() if target.is_terminal else content)
    if form is SpendFormat.CSV:
        shown.tell_unpriced(shown.unpriced_in(content))
    elif form is SpendFormat.FOCUS:
        shown.tell_unpriced_charges(content)


app.command(
    "reconcile", epilog="Example: aibridge spend reconcile costs.json --provider anthropic"
)(reconcile)
