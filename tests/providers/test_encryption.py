import traceback
from base64 import urlsafe_b64encode
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.providers.encryption import (
    ENCRYPTED,
    VARIABLE,
    EncryptionError,
    decrypt,
    encrypt,
    new_secret_key,
)
from aibridge.providers.provider import Secret
from aibridge.settings import SettingsError, load

OLD, NEW, OTHER = (urlsafe_b64encode(bytes([n]) * 32).decode() for n in (1, 2, 3))
KEY = "sk-ant-api03-very-secret"
TOKEN = encrypt(KEY, {VARIABLE: OLD})


def refusal(token: str, environ: dict[str, str]) -> str:
    """Why the settings refuse an encrypted key; nothing secret is in it, nor in the traceback."""
    config = Path("bridge.toml")
    config.write_text(f"[[providers]]\ntype = 'openai'\napi_keys = ['sk-first', '{token}']")
    with pytest.raises(SettingsError) as caught:
        load(config, environ, {})
    text = "".join(traceback.format_exception(caught.value))
    for secret in (KEY, token.removeprefix(ENCRYPTED), *environ.values()):
        assert not secret.strip(" ,") or secret not in text
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@given(st.text())
def test_any_text_comes_back(text: str) -> None:
    token = encrypt(text, {VARIABLE: OLD})
    assert token.startswith(ENCRYPTED)
    assert decrypt(token, {VARIABLE: OLD}) == text


def test_secret_keys_are_random_and_work() -> None:
    first, second = new_secret_key(), new_secret_key()
    assert first != second
    assert decrypt(encrypt(KEY, {VARIABLE: first}), {VARIABLE: first}) == KEY


def test_an_encrypted_key_shows_nothing_of_it_and_is_another_each_time() -> None:
    assert KEY not in TOKEN
    assert encrypt(KEY, {VARIABLE: OLD}) != TOKEN


@pytest.mark.parametrize("keys", ["{0}", " {0}\n", "{1},{0}", "{1} , {0}", "{0},{1}", "{1}\n{0}\n"])
@pytest.mark.parametrize("is_file", [False, True])
def test_each_of_several_secret_keys_decrypts(keys: str, is_file: bool) -> None:
    text = keys.format(OLD, NEW)
    Path("secret").write_text(text)
    environ = {VARIABLE: "file:secret" if is_file else text}
    assert decrypt(TOKEN, environ) == KEY


def test_the_first_of_several_secret_keys_encrypts() -> None:
    token = encrypt(KEY, {VARIABLE: f"{NEW},{OLD}"})
    assert decrypt(token, {VARIABLE: NEW}) == KEY
    with pytest.raises(EncryptionError):
        decrypt(token, {VARIABLE: OLD})


@pytest.mark.parametrize("source", ["{}", "file:key", "env:A_KEY"])
def test_a_provider_gets_the_key_wherever_the_encrypted_one_is(source: str) -> None:
    Path("key").write_text(TOKEN + "\n")
    config = Path("bridge.toml")
    config.write_text(f"[[providers]]\ntype='openai'\napi_keys=['{source.format(TOKEN)}']")
    settings = load(config, {VARIABLE: OLD, "A_KEY": TOKEN}, {})
    assert settings.providers[0].api_keys == (Secret(KEY),)
    assert KEY not in repr(settings)
    assert OLD not in repr(settings)


def test_who_calls_no_provider_needs_no_secret_key() -> None:
    config = Path("bridge.toml")
    config.write_text(f"[[providers]]\ntype = 'openai'\napi_keys = ['{TOKEN}']")
    (provider,) = load(config, {}, {}, read_keys=False).providers
    assert provider.api_keys == (Secret(""),)


UNSET = f"the environment variable {VARIABLE} is not set, or is empty"
NO_FILE = f"the file missing that {VARIABLE} names cannot be read: No such file or directory"
NO_KEY = f"the environment variable {VARIABLE} is not a valid secret key"
ANOTHER = f"the encrypted key was made with another key than {VARIABLE}"
DAMAGED = "the encrypted key is damaged, or not all of it is there"

CASES = {
    "no secret key": (TOKEN, None, UNSET),
    "an empty secret key": (TOKEN, "", UNSET),
    "separators alone": (TOKEN, " , ", UNSET),
    "a missing file": (TOKEN, "file:missing", NO_FILE),
    "a word": (TOKEN, "xyzzy", NO_KEY),
    "a secret key cut short": (TOKEN, OLD[:-2], NO_KEY),
    "a secret key in other letters": (TOKEN, "\u00fc" * 44, NO_KEY),
    "a good secret key and a bad one": (TOKEN, f"{OLD},xyzzy", NO_KEY),
    "another secret key": (TOKEN, NEW, ANOTHER),
    "two others": (TOKEN, f"{NEW},{OTHER}", ANOTHER),
    "altered": (TOKEN[:-6] + "AAAAA=", OLD, ANOTHER),
    "a character less": (TOKEN[:-3], OLD, DAMAGED),
    "cut short": (TOKEN[:-20], OLD, DAMAGED),
    "too long": (TOKEN.rstrip("=") + "AAAA", OLD, DAMAGED),
    "nothing": (ENCRYPTED, OLD, DAMAGED),
    "other letters": (ENCRYPTED + "\u00fc", OLD, DAMAGED),
    "not encrypted": (ENCRYPTED + KEY, OLD, DAMAGED),
    "no key in it": (encrypt("a key", {VARIABLE: OLD}), OLD, "a key is printable ASCII characters"),
}


@pytest.mark.parametrize(("token", "secret_key", "expected"), CASES.values(), ids=CASES)
def test_an_encrypted_key_that_cannot_be_used(
    token: str, secret_key: str | None, expected: str
) -> None:
    said = refusal(token, {} if secret_key is None else {VARIABLE: secret_key})
    assert said.startswith(f"providers[0].api_keys[1] in bridge.toml: {expected}")


@given(st.integers(min_value=0, max_value=len(TOKEN) - 1), st.sampled_from("A_=~ \u00fc"))
def test_a_token_that_was_altered_anywhere_is_refused_or_the_same_key(
    place: int, character: str
) -> None:
    altered = TOKEN[:place] + character + TOKEN[place + 1 :]
    with suppress(EncryptionError):
        assert decrypt(altered, {VARIABLE: OLD}) == KEY  # base64 has more than one way to say it
