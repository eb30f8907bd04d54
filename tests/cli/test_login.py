from collections.abc import Callable

from typer.testing import Result

from tests.cli.conftest import PASSWORD, Remote

Cli = Callable[..., Result]


def test_a_password_is_exchanged_for_a_token(cli: Cli, remote: Remote) -> None:
    result = cli("login", "ana", "--url", remote.url, piped=f"{PASSWORD}\n")
    assert result.exit_code == 0
    assert "Shown this once" in result.stderr
    assert "operator set your password at " in result.stderr
    listed = cli("tokens", "list", **remote.environ).stdout
    assert result.stdout.partition("-")[0] in listed


def test_a_wrong_password_is_one_clear_line(cli: Cli, remote: Remote) -> None:
    result = cli("login", "ana", "--url", remote.url, piped="hunter2\n")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "aibridge: Incorrect email or password.\n"


def test_logging_out_ends_the_token(cli: Cli, remote: Remote) -> None:
    result = cli("logout", **remote.environ)
    assert (result.exit_code, result.stdout) == (0, "Logged out.\n")
    assert remote.token.partition("-")[0] not in cli("tokens", "list", **remote.environ).stdout


def test_logging_out_needs_a_token(cli: Cli) -> None:
    result = cli("logout")
    assert result.exit_code == 1
    assert result.stderr.startswith("aibridge: no token: ")
