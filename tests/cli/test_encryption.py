from base64 import urlsafe_b64encode

import pytest
from typer.testing import CliRunner, Result

from aibridge.cli import app
from aibridge.providers.encryption import VARIABLE, decrypt, encrypt

OLD, NEW = (urlsafe_b64encode(bytes([n]) * 32).decode() for n in (1, 2))


def secrets(command: str, piped: str | None = None, secret_key: str | None = OLD) -> Result:
    environ = {VARIABLE: secret_key}
    return CliRunner().invoke(
        app, ["secrets", command], input=piped, env=environ, prog_name="aibridge"
    )


def test_a_secret_key_is_all_that_is_printed_and_another_each_time() -> None:
    first, second = (secrets("key", secret_key=None).stdout for _ in range(2))
    assert first != second
    assert decrypt(encrypt("x", {VARIABLE: first}), {VARIABLE: first}) == "x"


@pytest.mark.parametrize("piped", ["sk-1", "sk-1\n", " sk-1\r\n", "sk-1\nsecond line\n"])
def test_a_key_that_is_piped_in_is_printed_encrypted(piped: str) -> None:
    result = secrets("encrypt", piped)
    assert (result.exit_code, result.stderr) == (0, "")
    assert decrypt(result.stdout.rstrip("\n"), {VARIABLE: OLD}) == "sk-1"


def test_an_encrypted_key_is_encrypted_anew_with_the_first_secret_key() -> None:
    result = secrets("encrypt", encrypt("sk-1", {VARIABLE: OLD}), f"{NEW},{OLD}")
    assert decrypt(result.stdout.rstrip("\n"), {VARIABLE: NEW}) == "sk-1"


def test_a_key_is_no_argument_as_others_see_these() -> None:
    result = CliRunner().invoke(app, ["secrets", "encrypt", "sk-1"], env={VARIABLE: OLD})
    assert result.exit_code == 2


TROUBLE = {
    "no secret key": ("sk-1", None, f"the environment variable {VARIABLE} is not set, or is empty"),
    "none of ours": (
        "sk-1",
        "x",
        f"the environment variable {VARIABLE} is not a valid secret key",
    ),
    "nothing": ("", OLD, "no provider key: it is read from what is piped in"),
    "an empty line": ("\n", OLD, "a key is printable ASCII characters without spaces"),
    "two words": ("sk 1", OLD, "a key is printable ASCII characters without spaces"),
    "a variable": ("env:A_KEY", OLD, "give the key itself, not where it is"),
    "a file": ("file:a", OLD, "give the key itself, not where it is"),
    "not encrypted": ("encrypted:sk-1", OLD, "the encrypted key is damaged"),
    "of another": (
        encrypt("sk-1", {VARIABLE: NEW}),
        OLD,
        "the encrypted key was made with another key than",
    ),
}


@pytest.mark.parametrize(("piped", "secret_key", "expected"), TROUBLE.values(), ids=TROUBLE)
def test_trouble_is_one_clear_line_without_the_key(
    piped: str, secret_key: str | None, expected: str
) -> None:
    result = secrets("encrypt", piped, secret_key)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"aibridge: {expected}")
    assert result.stderr.count("\n") == 1
    assert "sk" not in result.stderr.replace("asked", "")
