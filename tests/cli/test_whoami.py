import json

import pytest

from aibridge.contract import TokenScope
from tests.cli.conftest import FOR_MODELS, Cli, Remote


def test_a_token_is_told_with_its_user_roles_scopes_and_bridge(cli: Cli, remote: Remote) -> None:
    facts = dict(
        line.split(maxsplit=1) for line in cli("whoami", **remote.environ).stdout.splitlines()
    )
    expected = {"url": remote.url, "user": "ana", "roles": "owner"}
    assert expected.items() <= facts.items()
    assert facts["scopes"].split(", ") == sorted(TokenScope)
    shown = json.loads(cli("whoami", "--json", **remote.environ).stdout)
    assert (shown["url"], shown["user"]["username"]) == (remote.url, "ana")
    assert shown["token"]["id"] == remote.token.partition("-")[0]


def test_a_token_for_calling_models_only_cannot_say_whose_it_is(cli: Cli, remote: Remote) -> None:
    result = cli("whoami", AIBRIDGE_URL=remote.url, AIBRIDGE_TOKEN=FOR_MODELS)
    assert result.exit_code == 0
    assert "for calling models only" in result.stdout
    assert result.stdout.endswith("scopes  gateway\n")


def test_on_the_bridges_own_machine_it_is_the_operator(cli: Cli) -> None:
    result = cli("whoami")
    assert "operator" in result.stdout
    assert result.stdout.startswith("database  ")
    assert json.loads(cli("whoami", "--json").stdout)["user"] is None


@pytest.mark.parametrize("token", ["no", "0123456789-0123456789012345678901"])
def test_a_token_that_is_not_valid_is_one_clear_line(cli: Cli, remote: Remote, token: str) -> None:
    result = cli("whoami", "--url", remote.url, "--token", token)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "Authentication required" in result.stderr
