import json
import os
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from aibridge.api.app import create_app
from aibridge.api.services import Services
from aibridge.cli import app
from aibridge.contract import SiteRole, TokenScope
from aibridge.identity.accounts import set_password
from aibridge.identity.audit import Act
from aibridge.identity.passwords import Passwords
from aibridge.store.engine.database import Database
from tests.builders import uid
from tests.databases import Databases, make_file
from tests.people import asking, new_token, new_user, person, trusting
from tests.serving import serving

Cli = Callable[..., Result]
Rows = Callable[..., Any]

PASSWORD = "correct horse"
FOR_MODELS = "for-models"
"""A token of ana's that is for calling models only."""
USER_ADMIN = "of-a-user-admin"
MEMBER = "of-a-member"
"""A token of a user-admin."""


@dataclass
class Remote:
    """A bridge elsewhere; the token is ana's, whose password is `PASSWORD`."""

    url: str
    token: str
    database: Database

    @property
    def environ(self) -> dict[str, str]:
        return {"AIBRIDGE_URL": self.url, "AIBRIDGE_TOKEN": self.token}


@pytest.fixture
def url(databases: Databases, tmp_path: Path) -> Iterator[str]:
    """The address of the database that commands work on: with SQLite, where they look for it."""
    if databases.is_postgresql:
        with databases.url() as url:
            yield url
    else:
        yield f"sqlite:///{tmp_path / 'data' / 'aibridge.db'}"


@pytest.fixture
def bare_cli(
    databases: Databases, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Cli:
    """Run a command where no bridge has been yet, with nothing of the caller's settings.

    ``piped`` is what it reads from its standard input.
    """
    for name in [name for name in os.environ if name.startswith("AIBRIDGE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr("aibridge.keeper.bounds.Bounds", lambda: nullcontext)  # of this process
    monkeypatch.chdir(tmp_path)
    environment = {"AIBRIDGE_DATA_DIR": str(tmp_path / "data")}
    if databases.is_postgresql:
        environment["AIBRIDGE_DATABASE_URL"] = url

    def run(*arguments: str, piped: str | None = None, **environ: str) -> Result:
        env = environment | environ
        return CliRunner().invoke(app, arguments, input=piped, env=env, prog_name="aibridge")

    return run


@pytest.fixture
def cli(bare_cli: Cli, database: Database) -> Cli:
    """Run a command where there is a database: see `bare_cli`."""
    return bare_cli


@pytest.fixture
def database(bare_cli: Cli, databases: Databases, url: str, tmp_path: Path) -> Iterator[Database]:
    """The database that the commands work on."""
    (tmp_path / "data").mkdir()
    database = Database(url)
    if databases.is_postgresql:
        database.upgrade()
    else:
        make_file(tmp_path / "data" / "aibridge.db")
    yield database
    database.close()


@pytest.fixture
def remote(databases: Databases) -> Iterator[Remote]:
    """A bridge at a URL with a database of its own, and one user: ana, an owner."""
    with databases.open() as database:
        with database.write() as connection:
            owner = new_user(connection, "ana", SiteRole.OWNER)
            set_password(Act(connection), owner, Passwords().hash(PASSWORD))
            token = new_token(connection, owner)
        known = {
            token: person(owner.id, "ana", SiteRole.OWNER, token_id=token.partition("-")[0]),
            USER_ADMIN: person(uid(9), "root", SiteRole.USER_ADMIN),
            MEMBER: person(uid(8), "zoe"),
            FOR_MODELS: person(owner.id, "ana", scopes=[TokenScope.GATEWAY]),
        }
        with serving(create_app(Services(database, asking(known.get), is_still=trusting))) as url:
            yield Remote(url, token, database)


@pytest.fixture
def rows(cli: Cli) -> Rows:
    """Run a command with ``--json`` and return what it printed."""

    def run(*arguments: str) -> object:
        result = cli(*arguments, "--json")
        assert (result.exit_code, result.stderr) == (0, "")
        return json.loads(result.stdout)

    return run
