"""Encryption of provider keys, so that nobody can use what they read in a settings file.

The secret key is in `VARIABLE`: Fernet keys, separated by commas or white space, or ``file:PATH``
of a file that holds them. The first one encrypts and every one decrypts, so that a secret key can
be replaced. No error repeats a key, a secret key or an encrypted text.

``cryptography`` is imported where it is needed: it takes 8 MB, and few installations encrypt.
"""

from base64 import urlsafe_b64decode
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

VARIABLE = "AIBRIDGE_SECRET_KEY"
ENCRYPTED = "encrypted:"
"""What an encrypted key begins with."""

_FIXED_BYTES, _BLOCK_BYTES, _VERSION = 57, 16, 0x80
"""Of a Fernet token: its bytes beside the encrypted blocks, those of a block, its first byte."""


class EncryptionError(ValueError):
    """A key cannot be encrypted or decrypted; the text says why in one line, without secrets."""


def new_secret_key() -> str:
    """Return a random secret key for `VARIABLE`."""
    from cryptography.fernet import Fernet  # noqa: PLC0415 - see the module

    return Fernet.generate_key().decode()


def encrypt(text: str, environ: Mapping[str, str]) -> str:
    """Return a key as ``api_keys`` takes it, encrypted. Raises `EncryptionError`."""
    return ENCRYPTED + _cipher(environ).encrypt(text.encode()).decode()


def decrypt(text: str, environ: Mapping[str, str]) -> str:
    """Return the key that `encrypt` was given. Raises `EncryptionError`."""
    from cryptography.fernet import InvalidToken  # noqa: PLC0415 - see the module

    cipher = _cipher(environ)
    token = text.removeprefix(ENCRYPTED)
    if not _is_complete(token):
        raise EncryptionError("the encrypted key is damaged, or not all of it is there")
    try:
        return cipher.decrypt(token).decode()
    except InvalidToken:
        raise EncryptionError(
            f"the encrypted key was made with another key than {VARIABLE} has, or was altered"
        ) from None


def _cipher(environ: Mapping[str, str]) -> "MultiFernet":
    from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415 - see the module

    keys = _secret_keys(environ)
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError:
        raise EncryptionError(
            f"the environment variable {VARIABLE} is not a valid secret key; aibridge secrets key "
            "prints one"
        ) from None


def _secret_keys(environ: Mapping[str, str]) -> list[str]:
    text = environ.get(VARIABLE, "").strip()
    if text.startswith("file:"):
        text = _text_of(Path(text.removeprefix("file:")).expanduser())
    keys = text.replace(",", " ").split()
    if not keys:
        raise EncryptionError(
            f"the environment variable {VARIABLE} is not set, or is empty; aibridge secrets key "
            "prints a secret key for it"
        )
    return keys


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise EncryptionError(
            f"the file {path} that {VARIABLE} names cannot be read: {reason}"
        ) from None


def _is_complete(token: str) -> bool:
    """Say whether a token has the form and length of one, as a text that was cut has not."""
    try:
        data = urlsafe_b64decode(token)
    except ValueError:
        return False
    blocks, rest = divmod(len(data) - _FIXED_BYTES, _BLOCK_BYTES)
    return data[:1] == bytes([_VERSION]) and blocks >= 1 and rest == 0
