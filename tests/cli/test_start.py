from collections.abc import Mapping
from pathlib import Path

import pytest

from aibridge.cli.start import database_options

ENGINES = ("sqlite",)

USUAL = {"data_dir": None, "database_url": None}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("flags", "environ", "options"),
    [
        ({}, {}, ""),
        ({"data_dir": "data"}, {}, " --data-dir {here}/data"),
        ({"data_dir": "my data"}, {}, " --data-dir '{here}/my data'"),
        ({}, {"AIBRIDGE_DATA_DIR": "/var/data"}, " --data-dir /var/data"),
        ({}, {"AIBRIDGE_CONFIG": "x.toml"}, " --config {here}/x.toml"),
        ({"database_url": "sqlite:///x.db"}, {}, " --database-url sqlite:///{here}/x.db"),
        (
            {"database_url": "postgresql://bridge:s3cret@db/ai?password=s3cret&sslmode=require"},
            {},
            " --database-url 'postgresql://bridge@db/ai?sslmode=require'",
        ),
        ({}, {"AIBRIDGE_DATABASE_URL": "file:url"}, " --database-url file:{here}/url"),
    ],
)
def test_commands_reach_the_database_of_a_start_by_its_options(
    here: Path, flags: Mapping[str, str], environ: Mapping[str, str], options: str
) -> None:
    found = database_options(None, {**USUAL, **flags}, environ)
    assert found == options.format(here=here)


@pytest.mark.parametrize(
    ("text", "named", "is_told"),
    [
        ("port = 4000", None, False),
        ("data_dir = 'data'", None, True),
        ("database_url = 'sqlite:///x.db'", None, True),
        ("port = 4000", Path("aibridge.toml"), True),
    ],
)
def test_a_configuration_file_is_told_where_it_was_named_or_names_the_database(
    here: Path, text: str, named: Path | None, is_told: bool
) -> None:
    (here / "aibridge.toml").write_text(text)
    found = database_options(named, USUAL, {})
    assert found == (f" --config {here}/aibridge.toml" if is_told else "")
