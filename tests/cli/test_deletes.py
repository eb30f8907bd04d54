"""Commands that delete something: what they say goes, and that they do nothing before they may."""

import json
from pathlib import Path

import pytest

from aibridge.store.engine.database import Database
from tests.builders import Call, record
from tests.cli.conftest import PASSWORD, Cli
from tests.terminal import on_terminal

ENGINES = ("sqlite",)


@pytest.fixture
def token(cli: Cli, database: Database) -> str:
    """The id of a token of ana's; she has a limit of her own, charged to her group."""
    with database.write() as connection:
        record(connection, Call(1, at=1, session="old"))
    for words in (
        "users create ana",
        "groups create devs",
        "groups add devs ana",
        "budgets set 12.50 --group devs",
        "budgets set 3 --group devs --user ana",
        "prices set openai m --input 1 --output 1 --cache-read 1 --cache-write 1",
    ):
        assert cli(*words.split()).exit_code == 0
    made = cli("tokens", "create", "--user", "ana", "--name", "laptop", "--json")
    return str(json.loads(made.stdout)["id"])


DELETES = {
    "tokens delete {token}": "the token laptop of ana, last used: not yet? "
    "What uses it is refused from its next request on; the record stays.",
    "groups delete devs": "Delete the group devs? With it goes its budget of $12.50 a member and "
    "month and the own limits charged to it: ana ($3.00). Its members (1) stay users.",
    "budgets delete --group devs": "the budget of devs, $12.50 a member and month? "
    "Members' own limits stay: ana ($3.00).",
    "budgets delete --user ana": "ana's own limit of $3.00? Those of their groups count then.",
    "prices remove openai m": "Remove the custom price of m of openai? "
    "The default one counts then, if there is any.",
    "groups remove devs ana": "Take ana out of devs? With that go the own limits charged to it: "
    "ana ($3.00).",
    "users password ana": "Change the password of ana, and delete 1 token of theirs? "
    "What uses them is refused from its next request on.",
    "db purge --before 1d": "and with them 1 session whole? Nothing brings them back.",
}
WITH_SECRET = "users password ana"
PRICES = "prices list --source custom"
LEFT = (
    "tokens list",
    "groups list",
    "budgets list",
    "budgets show --user ana",
    "sessions list",
    PRICES,
)


def left(cli: Cli) -> list[str]:
    return [cli(*words.split()).output for words in LEFT]


@pytest.mark.parametrize(("command", "said"), DELETES.items(), ids=DELETES)
def test_without_a_terminal_a_delete_needs_yes_and_says_what_else_goes(
    cli: Cli, token: str, command: str, said: str
) -> None:
    words, before = command.format(token=token).split(), left(cli)
    refused = cli(*words)
    assert (refused.exit_code, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)
    assert refused.stderr.startswith("aibridge: ")
    assert said in refused.stderr
    assert refused.stderr.endswith(" Nobody is there to be asked: say --yes to go on.\n")
    assert left(cli) == before
    assert cli(*words, "--yes", piped=PASSWORD).exit_code == 0
    assert left(cli) != before


@pytest.mark.parametrize("command", ["tokens delete {token}", "groups delete devs", WITH_SECRET])
def test_on_a_terminal_a_delete_asks_and_says_what_else_goes(
    cli: Cli, token: str, tmp_path: Path, command: str
) -> None:
    words, said, before = command.format(token=token).split(), DELETES[command], left(cli)
    refused = on_terminal(words, tmp_path, typed="n\n", columns=400)
    assert f"{said} [y/N]: " in refused.text
    assert (refused.status, left(cli)) == (1, before)
    if command == WITH_SECRET:  # which a terminal does not take before it is asked for
        return
    assert on_terminal(words, tmp_path, typed="y\n").status == 0
    assert left(cli) != before


DONE = {
    "groups remove devs ana": "Deleted the own limits charged to it: ana ($3.00).\n",
    "users password ana": "Changed the password of ana, and deleted 1 token.\n",
}
"""Commands whose name does not say that they delete something, and the line that does."""


@pytest.mark.parametrize(("command", "said"), DONE.items(), ids=DONE)
@pytest.mark.usefixtures("token")
def test_what_was_deleted_by_the_way_is_said_afterwards(cli: Cli, command: str, said: str) -> None:
    assert cli(*command.split(), "--yes", piped=PASSWORD).stdout.endswith(said)
    told_once = cli(*command.split(), piped=PASSWORD)
    assert (told_once.exit_code, "eleted" in told_once.stdout) == (0, False)
