from pathlib import Path

import pytest
from typer.testing import CliRunner

from aibridge import server
from aibridge.cli import app
from aibridge.file_modes import mode_warnings
from aibridge.providers.encryption import VARIABLE, encrypt, new_secret_key
from aibridge.settings import load

SECRET_KEY = new_secret_key()
NOTHING: dict[str, str] = {}
LITERAL = "[[providers]]\ntype='openai'\napi_keys=['{}']"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def warnings(text: str = "", mode: int = 0o600, environ: dict[str, str] = NOTHING) -> list[str]:
    """What is said of a configuration file, beside a data directory that nobody else reads."""
    config = Path("bridge.toml")
    config.write_text(text)
    config.chmod(mode)
    variables = {"AIBRIDGE_DATA_DIR": "data"} | environ
    return mode_warnings(load(config, variables, {}), config, variables)


def file(name: str, mode: int, text: str = "") -> Path:
    path = Path(name)
    path.write_text(text)
    path.chmod(mode)
    return path


def folder(name: str, mode: int) -> Path:
    path = Path(name)
    path.mkdir()
    path.chmod(mode)
    return path


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o777, 0o701, 0o710])
def test_a_data_directory_that_is_open_to_others(mode: int) -> None:
    folder("data", mode)
    (line,) = warnings()
    assert line == (
        f"the data directory data is open to other users of this machine (mode {mode:04o}); "
        "close it with: chmod 700 data"
    )


def test_a_journal_that_is_open_to_others() -> None:
    folder("data", 0o700)
    folder("data/journal", 0o750)
    (line,) = warnings()
    assert line == (
        "the journal's directory data/journal is open to other users of this machine (mode 0750); "
        "close it with: chmod 700 data/journal"
    )


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o602, 0o666])
@pytest.mark.parametrize("name", ["data/aibridge.db", "else where.db"])
def test_a_database_that_is_open_to_others_wherever_it_is(mode: int, name: str) -> None:
    folder("data", 0o700)
    file(name, mode)
    (line,) = warnings(environ={"AIBRIDGE_DATABASE_URL": f"sqlite:///{name}"})
    assert line.startswith(f"the database {name} is open to other users")
    assert f"(mode {mode:04o})" in line
    assert line.endswith(f"chmod 600 '{name}'" if " " in name else f"chmod 600 {name}")


@pytest.mark.parametrize(
    ("text", "mode", "mended"),
    [
        (LITERAL.format("sk-1"), 0o644, "o-rwx"),
        (LITERAL.format("sk-1"), 0o602, "o-rwx"),
        ("database_url='postgresql://u:p@db/x'", 0o644, "o-rwx"),
        ("database_url='postgresql://db/x?user=u&password=p'", 0o644, "o-rwx"),
        (LITERAL.format("env:A"), 0o666, "o-w"),
        ("", 0o602, "o-w"),
    ],
)
def test_a_configuration_file_that_is_open_to_others(text: str, mode: int, mended: str) -> None:
    (line,) = warnings(text, mode, {"A": "sk-1"})
    assert line.startswith("the configuration file")
    assert line.endswith(f"(mode {mode:04o}); close it with: chmod {mended} bridge.toml")
    assert ("(with secrets)" in line) == (mended == "o-rwx")


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        (LITERAL.format("sk-1"), 0o600),
        (LITERAL.format("sk-1"), 0o640),  # root's, read by the group of the service
        (LITERAL.format("env:A"), 0o644),
        (LITERAL.format("file:key"), 0o644),
        (LITERAL.format("encrypted:{}"), 0o644),
        ("database_url='postgresql://u@db/x'", 0o644),
        ("database_url='postgresql://[::1]:5432/x'", 0o644),
    ],
)
def test_a_configuration_file_that_may_be_read(text: str, mode: int) -> None:
    folder("data", 0o700)
    file("key", 0o640, "sk-1")
    text = text.replace("encrypted:{}", encrypt("sk-1", {VARIABLE: SECRET_KEY}))
    assert warnings(text, mode, {"A": "sk-1", VARIABLE: SECRET_KEY}) == []


def test_files_of_secrets_that_are_open_to_others() -> None:
    file("key", 0o644, "sk-1")
    file("secret", 0o604, SECRET_KEY)
    file("url", 0o606, "sqlite:///x.db")
    environ = {VARIABLE: "file:secret", "AIBRIDGE_DATABASE_URL": "file:url"}
    lines = warnings(LITERAL.format("file:key"), environ=environ)
    assert [line.rpartition(": ")[2] for line in lines] == [
        "chmod o-rwx key",
        "chmod o-rwx url",
        "chmod o-rwx secret",
    ]


def test_what_the_environment_overrides_may_be_anything() -> None:
    environ = {"AIBRIDGE_PROVIDERS": '[{"type": "openai"}]', "AIBRIDGE_DATABASE_URL": "sqlite:///x"}
    assert warnings("providers = ['x', 5, {api_keys = 1}]\ndatabase_url = 5", environ=environ) == []


def test_a_start_warns_and_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    folder("data", 0o755)
    served: list[object] = []
    monkeypatch.setattr(server, "run", lambda settings, **_: served.append(settings))
    result = CliRunner().invoke(app, ["serve"], env={"AIBRIDGE_DATA_DIR": "data"})
    assert len(served) == 1
    assert result.stderr.startswith("aibridge: warning: the data directory data is open to other")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(("mode", "said"), [(0o600, 0), (0o640, 0), (0o644, 1)])
def test_a_tls_key_that_others_can_read(mode: int, said: int) -> None:
    file("key.pem", mode)
    lines = warnings("tls_cert = 'cert.pem'\ntls_key = 'key.pem'")
    assert len(lines) == said
    assert all(line.startswith("the TLS key key.pem is open to other users") for line in lines)
