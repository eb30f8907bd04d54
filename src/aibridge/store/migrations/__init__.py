"""Revisions of the tables, run by Alembic."""

from enum import StrEnum
from pathlib import Path

from sqlalchemy import Connection, inspect, text

HEAD = "0014"
"""The newest revision; a test holds it against the files beside this one."""

COPYING = "copying"
"""The revision of a database that is the target of a copy which has not ended: every release
refuses it as one it does not know. See `aibridge.store.transfer.copying`."""

BEFORE_POSTGRESQL = "0003"
"""The last revision of SQLite alone: on PostgreSQL the next one is the first, and makes all."""


class NewerSchemaError(Exception):
    """The database was written by a newer release than this one."""


def current(connection: Connection) -> str | None:
    """Return the revision that the database stands at, ``None`` for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def is_up_to_date(connection: Connection) -> bool:
    """Say whether nothing is to be done: the usual start, without Alembic and its memory."""
    return current(connection) == HEAD


class Age(StrEnum):
    """How old the tables of a database are, beside those of this release."""

    NONE = "none"
    OLDER = "older"
    NEWEST = "newest"
    NEWER = "newer"


def age(connection: Connection) -> Age:
    """Say how old the tables are; ``NEWER`` is every revision that this release does not know."""
    revision = current(connection)
    if revision is None:
        return Age.NONE
    if revision == HEAD:
        return Age.NEWEST
    return Age.OLDER if revision in _known() else Age.NEWER


def _known() -> set[str]:
    """Return the revisions of this release, by the files beside this one."""
    files = Path(__file__).parent.glob("versions/[0-9]*.py")
    return {file.name.partition("_")[0] for file in files}


def upgrade(connection: Connection) -> None:
    """Run the revisions that are missing. Raises `NewerSchemaError` for an unknown revision."""
    revision = current(connection)
    if revision != HEAD:  # another may have done it by now
        _run(connection, revision)


def _run(connection: Connection, revision: str | None) -> None:
    from alembic import command  # noqa: PLC0415 - only when there is something to run
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415
    from alembic.util.exc import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    if revision is not None:
        try:
            ScriptDirectory.from_config(config).get_revision(revision)
        except CommandError as error:
            raise NewerSchemaError(
                f"the database is at revision {revision}, which this release does not know; "
                "start it with the release that wrote it, or a newer one"
            ) from error
    elif connection.dialect.name == "postgresql":
        command.stamp(config, BEFORE_POSTGRESQL)
    command.upgrade(config, "head")
