"""``aibridge secrets``: encrypt the keys of providers for the settings file."""

import os

import typer

from aibridge.cli import new_app
from aibridge.cli.output import fail, read_secret
from aibridge.providers.encryption import ENCRYPTED, decrypt, encrypt, new_secret_key
from aibridge.providers.settings import check_key, is_literal

app = new_app(help="Encryption of provider keys.")


@app.command(epilog="Example: export AIBRIDGE_SECRET_KEY=$(aibridge secrets key)")
def key() -> None:
    """Print a new secret key, for the variable AIBRIDGE_SECRET_KEY.

    Keep it apart from the settings file and its backups. To replace a secret key, put the new one
    in front of the old one, with a comma between, encrypt every provider key anew, and then take
    the old one out.
    """
    typer.echo(new_secret_key())


@app.command("encrypt", epilog="Example: aibridge secrets encrypt < anthropic.key")
def encrypt_key() -> None:
    """Print a provider's key encrypted with AIBRIDGE_SECRET_KEY, as api_keys takes it.

    The key is asked for on a terminal, or read from what is piped in: the key itself, or
    encrypted:TEXT, which is encrypted anew with the first secret key.
    """
    text = read_secret("Provider key").strip()
    try:
        plain = decrypt(text, os.environ) if text.startswith(ENCRYPTED) else text
        if not is_literal(plain):
            fail("give the key itself, not where it is")
        typer.echo(encrypt(check_key(plain), os.environ))
    except ValueError as error:
        fail(str(error))
